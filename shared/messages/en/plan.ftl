# How a job's steps are computed, and why a speed-up is not used. Ids say lever: stored records have them.

plan-used = The plan { $plan } is used: { $how }.
plan-used-with-levers-off = The plan { $plan } is used: { $how }. { $off ->
    [one] One speed-up is not used.
   *[other] { $off } speed-ups are not used.
}
lever-no-padding = Rows are not padded to a fixed length.
lever-logits-of-targets = Logits are computed for targets only.
lever-own-layers = Tunedock's own layers compute the steps.
lever-flat-layout = The tokens of rows lie end to end (flat layout).
lever-shared-prefix = The shared prefix of { $tokens } tokens is computed once for each micro-batch.
lever-weights-kept = The 4-bit weights are dequantized once for the whole run.
lever-short-attention = The backward pass of attention over short rows computes score matrices, which is quicker on a processor.
lever-nothing-recomputed = Nothing is computed twice.
lever-some-recomputed = One layer in { $every } is computed twice.
lever-off = The speed-up { $lever } is not used. { $reason }

plan-not-tried = By the estimate { $plans } plans are within { $close_ratio } of each other. They are not tried, because the run has only { $steps } steps: trying them takes { $needed } steps, and no more than { $share_ratio } of a run may go to that.
plan-chosen = By the estimate { $plans } plans are within { $close_ratio } of each other, so the first { $steps } steps, which count like all others, tried them in turns. { $tries } From here on: { $chosen }.
plan-tried = Micro-batches of up to { $tokens } tokens, { $recomputed ->
    [0] nothing computed twice
    [one] all layers computed twice
   *[other] one layer in { $recomputed } computed twice
}: { $microseconds } µs for a token of a row.
plan-piece = micro-batches of up to { $tokens } tokens, { $recomputed ->
    [0] nothing computed twice
    [one] all layers computed twice
   *[other] one layer in { $recomputed } computed twice
}

# Stored records have this id, of a time when the layers were a Llama's alone.
model-is-no-llama = Tunedock's own layers are not written for the class { $model_class }.
own-layers-not-for-experts = The model is a mixture of experts ({ $experts }), and Tunedock's own layers have none.
own-layers-not-for-towers = The model also takes images or sound ({ $part }), and Tunedock's own layers take text only.
own-layers-not-for-layer-type = Some layers of the model are of the type { $layer_type }, which Tunedock's own layers do not have.
own-layers-not-for-part = The layers of this model differ from others of its class: { $part }.
rows-too-long-for-angles = The longest row has { $longest } tokens. Where rows are longer than { $most }, this model's positions depend on which rows are computed together.
no-shared-prefix-with-dropout = Each row drops other inputs of the tokens that all rows share, since lora.dropout is { $dropout }.
output-head-trained = The output head is trained.
output-head-of-another-kind = The output head is a { $head_class }.
own-layers-not-for-setting = The model's { $setting } is { $value }.
rows-too-long-for-own-layers = The longest row has { $longest } tokens, more than { $most }.
little-shared-by-rows = { $tokens ->
    [0] The rows do not begin with the same tokens.
    [one] All rows have only their first token in common.
   *[other] All rows have only their first { $tokens } tokens in common.
}
weights-not-kept = The dequantized weights would take { $wanted_bytes }, but only { $free_bytes } are free.

layers-not-in-one-list = The model's layers are not in one list of two or more. The memory that they keep is estimated from the model's shape.
layers-not-tried = Two layers could not be run by themselves ({ $error }). The memory that they keep is estimated from the model's shape.
