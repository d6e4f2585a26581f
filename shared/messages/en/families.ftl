# What a base model is: its class, its tokenizer and chat template, and whether they fit each other and the job.

part-of-image-generator = The model's config.json describes { $part }, a part of an image generator (diffusers).
has-other-head = The model's config.json describes { $model }: { $head ->
   *[classifier] a classifier
    [token-classifier] a classifier of tokens
    [answer-marker] a model that marks answers in a text
    [chooser] a model that chooses among answers
    [image-classifier] a classifier of images
    [sound-classifier] a classifier of sounds
    [reward-model] a reward model
    [embedding-model] an embedding model
}, whose language head was replaced{ $labels ->
    [0] {"."}
    [one] {" "}by one with { $labels } label.
   *[other] {" "}by one with { $labels } labels.
}
name-origin-for-classes = Use the base model that it was made from. To sort texts into classes, train that base model on rows of text and label.
name-known-origin-for-classes = Use the base model that it was made from (its config.json names { $origin }). To sort texts into classes, train that base model on rows of text and label.
language-head-not-saved = The model's config.json describes { $model }, saved without its language head (an embedding model).
name-origin = Use the base model that it was made from.
name-known-origin = Use the base model that it was made from (its config.json names { $origin }).
is-encoder-decoder = The model's config.json describes { $model }, an encoder-decoder model. Such a model reads one text and writes another, but Tunedock trains models that continue a text.
is-encoder = The model's config.json describes { $model }, an encoder (for embeddings or masked words). Such a model sees the words that follow, so it can't learn to write them.
not-a-language-model = The model's config.json describes { $model }, which transformers does not load as a language model.
unknown-model = The model's config.json describes { $model }. transformers { $version } does not support this language model.
unknown-model-with-code = The model's config.json describes { $model }. transformers { $version } does not support this language model, and Tunedock does not run the model's own code.
choose-supported-model = Use a base model with a native class (llama, qwen2, gemma, exaone4, …) or EXAONE-3.5.
config-not-valid = The model's config.json is not a valid configuration of { $model_type }: { $error }
fetch-config = Download the model's config.json again.
already-quantized = The checkpoint is already quantized with { $method }.
name-unquantized = Use the unquantized model. Tunedock quantizes it to nf4 while it is loaded.
exaone-config-lacks = The model's config.json says model_type 'exaone' but has no number in { $fields }.
exaone-activation-unknown = This EXAONE model uses the activation { $activation }, but Tunedock supports only 'silu'.

pickle-not-opened = { $file } is a pickle, which this process does not open.
resolve-model-first = Resolve the model first: that converts `.bin` weights in a sandbox.
weights-of-other-config = The weights in { $folder } do not match its config.json. { $why }
no-tensor-quantized = Its config.json says that the weights are quantized, but no tensor is quantized.
weights-differ = { $kind ->
   *[missing_keys] { $count ->
        [one] { $count } weight is missing.
       *[other] { $count } weights are missing.
    }
    [mismatched_keys] { $count ->
        [one] { $count } weight has another shape.
       *[other] { $count } weights have another shape.
    }
    [unexpected_keys] { $count ->
        [one] { $count } weight is unexpected.
       *[other] { $count } weights are unexpected.
    }
} The first is { $first }.
fetch-model-of-one-revision = Download the model again. Its config.json and its weights must be of the same revision.
model-code-fails = The model's own code fails where it is trained on text alone: { $error } ({ $file }, line { $line }).
name-other-model-or-fewer-layers = Use another base model, or give fewer layers in lora.target_modules if one of them is named here. The worker's log has the traceback.

tokenizer-needs-code = The model folder { $folder } has no tokenizer that loads without code of its own.
add-tokenizer-json = Add the model's tokenizer.json to the folder.
tokenizer-loads-otherwise = The tokenizer in the model folder { $folder } can't be loaded as its tokenizer.json describes it.
name-another-model-and-report = Use another base model, and please report this one.
tokenizer-missing = The model folder { $folder } has no tokenizer. It holds none of these files: { $files }.
copy-tokenizer = Copy tokenizer.json and tokenizer_config.json of the same model into the folder.
tokenizer-not-read = The tokenizer in the model folder { $folder } can't be loaded: { $error }
tokenizer-adds-too-many = The tokenizer in the model folder { $folder } adds { $tokens } tokens to its vocabulary. It may add { $most }.
fetch-tokenizer = A model needs tokenizer.json and tokenizer_config.json in its folder. Download them again.

no-chat-template = The model's tokenizer has no chat template, so a conversation can't be rendered.
no-default-template = The model's tokenizer has { $count } chat templates ({ $names }) and none named 'default', so it is not known which one renders a conversation.
template-fails = The model's chat template can't render a conversation of a question and an answer: { $error }.
template-renders-nothing = The model's chat template renders nothing for a conversation of a question and an answer.
use-instruction-tuned-model = Use an instruction-tuned model, correct chat_template in its folder, or give rows in the format text or prompt_completion.

no-end-token = The model's tokenizer names no end-of-sequence token, so the end of a text is not learned.
tokens-beyond-and-needed = The tokenizer has { $count ->
    [one] { $count } token
   *[other] { $count } tokens
} beyond the { $rows } of the model's embedding, up to number { $last }. The model's texts need some of them: { $tokens }.
tokens-beyond = The tokenizer has { $count ->
    [one] { $count } token
   *[other] { $count } tokens
} beyond the { $rows } of the model's embedding, up to number { $last }, such as { $tokens }. Rows that contain one can't be trained on.
use-or-resize-tokenizer = Use the model's own tokenizer, or resize the model's embedding to its tokenizer (resize_token_embeddings of transformers), save that model and use it.
row-has-unknown-token = A row contains the token { $token }, number { $number }, and the model's embedding has { $rows } tokens.
take-token-out = Remove this token from the rows. Otherwise: { $advice }
language-part = The model takes more than text. Its language part, { $module }, is trained on text. The other parts stay as they are.
weights-not-adapted = { $whole } of the model's { $parameters } parameters ({ $share_ratio }) lie in matrices that are not linear layers, such as { $module } (experts, for example). They are neither quantized to 4 bits nor adapted. The adapter trains the linear layers around them.
weights-not-quantized = { $whole } of the model's { $parameters } parameters lie in linear layers of the model's own kind, which can't be quantized to 4 bits. They get an adapter and take their full memory.
positions-limited = The max_seq_length { NUMBER($wanted, useGrouping: 0) } is more than the { $positions } positions that the model has. Rows are cut at { $positions } tokens.
positions-rotated-by-longest = If one row of a micro-batch is longer than { $positions } tokens, the model rotates the positions of all its rows differently (rope_type dynamic or longrope). With max_seq_length { NUMBER($wanted, useGrouping: 0) } the adapter can therefore depend on which rows are computed together. Lower max_seq_length to { NUMBER($positions, useGrouping: 0) } to avoid that.
positions-exceeded = The max_seq_length { NUMBER($wanted, useGrouping: 0) } is more than the { $positions } positions that the model was made for. The model's answers to longer rows may be poor.
