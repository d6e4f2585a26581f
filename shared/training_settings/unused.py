"""Keys of the tools that have no meaning here, by the reason; a trailing * stands for any ending."""

from fnmatch import fnmatchcase

from shared.messages.message import Message, say

_REASONS: list[tuple[Message, str]] = [
    (
        say("settings-ignored-model"),
        "model_name_or_path model_revision revision_of_model base_model* model_type type_of_model "
        "tokenizer_* cls_model_config model_config* model_kwargs model_init_kwargs model_max_length "
        "processor_* use_fast_tokenizer trust_remote_code lora_task_type use_peft "
        "torch_dtype dtype is_*_derived_model overrides_of_* resize_* rope_scaling low_cpu_mem_usage "
        "added_tokens* "
        "special_tokens tokens add_tokens add_special_tokens new_special_tokens_config "
        "init_special_tokens strict device_map quantization_device_map mean_resizing_embeddings "
        "shrink_embeddings reinit_weights embeddings_skip_upcast fix_untrained_tokens scaling_softmax* "
        "mixture_of_depths train_from_scratch bnb_4bit_quant_storage lora_fan_in_fan_out lora_on_cpu "
        "adapter_name_or_path adapter_folder lora_model_dir use_bnb_nested_quant",
    ),
    (
        say("settings-ignored-data"),
        "dataset* eval_dataset test_datasets datasets template media_dir mask_history mix_strategy "
        "interleave_probs streaming* buffer_size preprocess* max_samples tokenized_path "
        "data_shared_file_system tool_format default_system* enable_thinking preserve_thinking "
        "*_pad_token_for_loss split_special_tokens image_* video_* audio_* crop_to_patches "
        "use_audio_in_video chat_template* eot_tokens roles_to_train shuffle_* skip_prepare* "
        "num_dataset_shards_to_save push_dataset_to_hub excess_length_strategy min_sample_len "
        "max_prompt_len eval_sequence_len truncation_mode data_seed eos_token pad_token "
        "pad_to_multiple_of remove_unused_columns label_names length_column_name pretrain* use_pose "
        "pose_* is_preprocess total_num_tokens total_supervised_tokens reserved_label_len visual_inputs "
        "overwrite_cache num_of_sequences chars_per_token role_boundaries disable_shuffling "
        "curriculum_sampling eval_on_each_dataset val_size_* sample_packing_* eval_sample_packing "
        "eval_packing packing_strategy multipack_real_batches max_packed_sequence_len",
    ),
    (
        say("settings-ignored-reporting"),
        "report_to run_name project logging_* log_* disable_tqdm include_num_input_tokens_seen "
        "include_tokens_per_second include_effective_tokens_per_second include_tkps wandb_* use_wandb "
        "mlflow_* use_mlflow hf_mlflow_* comet_* use_comet trackio_* use_trackio use_tensorboard "
        "swanlab_* use_swanlab plot_loss print_param_status use_otel_* otel_* profil* "
        "enable_torch_profiler debug skip_memory_metrics tpu_metrics_debug loss_watchdog_* "
        "compute_accuracy gradio_*",
    ),
    (
        say("settings-ignored-files"),
        "output_dir overwrite_output_dir save_total_limit save_only_model save_safetensors "
        "save_on_each_node save_first_step enable_jit_checkpoint resume_from_checkpoint "
        "auto_resume_from_checkpoints ignore_data_skip restore_callback_states_from_checkpoint "
        "load_best_model_at_end cache_dir offload_folder create_new_adapter lora_out_dir "
        "axolotl_config_path dynamic_checkpoint hub_* push_to_hub* hf_hub_token ms_hub_token om_hub_token "
        "hf_use_auth_token export_* merge_lora merge_method early_stopping_* logging_dir",
    ),
    (
        say("settings-ignored-devices"),
        "ddp ddp_* fsdp fsdp_* deepspeed deepcompile local_rank world_size ray_* use_ray "
        "resources_per_worker tpu_num_cores parallelism_config context_parallel_size tensor_parallel_size "
        "sequence_parallel_degree dp_* tp_size heads_k_stride ring_attn_func master_* mp_parameters "
        "sharded_ddp average_tokens_across_devices accelerator_config dispatch_batches split_batches "
        "use_cpu no_cuda use_mps_device xpu_backend device max_memory gpu_memory_limit full_determinism "
        "use_mca use_hyper_parallel hyper_parallel_args use_kt kt_* qlora_sharded_model_loading "
        "experimental_skip_move_to_device",
    ),
    (
        say("settings-ignored-kernels"),
        "torch_compile* flex_attn_* llama4_* compute_dtype "
        "torchdynamo jit_mode_eval use_ipex use_liger* liger_* enable_liger_kernel flash_* "
        "use_unsloth* unsloth_* *_attention attn_* shift_attn use_kernels use_v1_kernels "
        "fused_attn_kernel lora_*_kernel fp8 fp8_* tf32 tiled_mlp* chunked_cross_entropy* "
        "cut_cross_entropy upcast_* fp32_norm* torch_empty_cache_steps gc_steps gc_collect_steps "
        "sdpa_varlen block_diag_attn gemma4_* experts_implementation ple_cpu_offload quantize_moe_experts "
        "selective_checkpointing fp16_opt_level fp16_backend half_precision_backend plugins "
        "peft_autocast_adapter_dtype activation_offloading layer_offloading use_cache use_onebitllms",
    ),
    (
        say("settings-ignored-loader"),
        "dataloader_drop_last dataloader_prefetch_factor dataloader_persistent_workers "
        "dataloader_in_order dataloader_multiprocessing_context sortish_sampler",
    ),
    (
        say("settings-ignored-evaluation"),
        "prediction_loss_only eval_accumulation_steps eval_delay eval_on_start eval_do_concat_batches "
        "eval_use_gather_object batch_eval_metrics include_for_metrics include_inputs_for_metrics "
        "metric_for_best_model greater_is_better predict_with_generate generat* do_predict do_train "
        "do_eval bf16_full_eval fp16_full_eval use_legacy_prediction_loop eval_num_beams do_sample "
        "temperature top_p top_k num_beams max_length max_new_tokens repetition_penalty length_penalty "
        "skip_special_tokens infer_* vllm* sglang_* use_kv_cache do_bench_eval bench_* do_causal_lm_eval "
        "eval_causal_lm_metrics eval_table_size eval_max_new_tokens num_generation_samples past_index "
        "task task_dir lang n_shot save_dir download_mode batch_size",
    ),
    (
        say("settings-ignored-other-training"),
        "pref_* dpo_* kto_* simpo_gamma ppo_* ref_model* reward_model* ld_alpha rl_beta orpo_alpha "
        "cpo_alpha rpo_alpha precompute_ref_log_probs center_rewards_coefficient num_labels "
        "process_reward_model trl ebft qat galore_* apollo_* badam_* oft_* module_dropout qgalore_* "
        "dion_* freeze_* relora_* lisa_* jagged_* router_aux_loss_coef moe_aux_loss_coef eaft_* "
        "asft_alpha pissa_iter pissa_convert loraplus_lr_embedding adam_beta3 adam_epsilon2 "
        "optim_target_modules torchdistx_path trainer_cls multimodal* peft_adapter "
        "peft_ensure_weight_tying quantization model_quantization_config*",
    ),
]
_PATTERNS = [(pattern, reason) for reason, patterns in _REASONS for pattern in patterns.split()]


def reason_of(key: str) -> Message | None:
    """Why `key` has no meaning here; None for one that no tool has."""
    return next((reason for pattern, reason in _PATTERNS if fnmatchcase(key, pattern)), None)
