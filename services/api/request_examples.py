"""Requests that show what each page takes; the reference and its tests use them."""

from typing import Any

FILE_ID = "file-k3J9dVb2QmXw7LrT5yHn0aZs"
OTHER_FILE_ID = "file-p8Q2cXw1LhT6sVz4KfR9mB3d"
JOB_ID = "ftjob-7fkq2mw9x4hjt8vcsr3bnp6d"
OTHER_JOB_ID = "ftjob-m5tz8rqy3kdwa6gvj2cxn9ub"

# By the name of the operation: title → JSON body.
BODIES: dict[str, dict[str, Any]] = {
    "create_job": {
        "Fine-tune the default model on a data set of the server": {
            "kind": "fine_tuning",
            "dataset": "sample_spam/train.jsonl",
        },
        "Fine-tune with numbers of your own": {
            "kind": "fine_tuning",
            "model": "SmolLM2-135M-Instruct",
            "dataset": "sample_spam/train.jsonl",
            "validation_dataset": "sample_spam/held_out.jsonl",
            "format": "classification",
            "instruction": "Is this message spam?",
            "hyperparameters": {"n_epochs": 1, "learning_rate": 0.0001, "lora": {"r": 8}},
            "suffix": "spam",
            "metadata": {"team": "support"},
        },
        "Fine-tune on an uploaded file": {"kind": "fine_tuning", "training_file": FILE_ID},
        "Evaluate a model": {
            "kind": "evaluation",
            "model": "SmolLM2-135M-Instruct",
            "dataset": "sample_spam/held_out.jsonl",
        },
        "Evaluate what a training makes, once it has succeeded": {
            "kind": "evaluation",
            "adapter": JOB_ID,
            "dataset": "sample_spam/held_out.jsonl",
        },
        "Find out why a model loads slowly": {"kind": "load_diagnostic", "model": "SmolLM2-135M-Instruct"},
        "Find out why training steps take long": {
            "kind": "training_diagnostic",
            "model": "SmolLM2-135M-Instruct",
            "dataset": "sample_spam/train.jsonl",
            "settings": {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 8},
        },
        "Prepare a model so that it loads fast": {
            "kind": "model_preparation",
            "model": "SmolLM2-135M-Instruct",
            "quantization": "nf4",
        },
        "See rows as a model reads them": {
            "kind": "dataset_report",
            "model": "SmolLM2-135M-Instruct",
            "dataset": "sample_spam/train.jsonl",
        },
    },
    "report_dataset": {
        "Find out what is wrong or odd in an uploaded file": {"training_file": FILE_ID},
        "Also see its rows as a model reads them, and compare them with the validation rows": {
            "dataset": "sample_spam/train.jsonl",
            "validation_dataset": "sample_spam/held_out.jsonl",
            "model": "SmolLM2-135M-Instruct",
        },
    },
    "create_fine_tuning_job": {
        "Fine-tune on an uploaded file": {
            "model": "SmolLM2-135M-Instruct",
            "training_file": FILE_ID,
            "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
            "suffix": "spam",
            "seed": 7,
        },
        "Let the numbers be chosen, and give rows to validate on": {
            "model": "SmolLM2-135M-Instruct",
            "training_file": FILE_ID,
            "validation_file": OTHER_FILE_ID,
            "method": {
                "type": "supervised",
                "supervised": {
                    "hyperparameters": {
                        "n_epochs": "auto",
                        "batch_size": "auto",
                        "learning_rate_multiplier": "auto",
                    }
                },
            },
            "metadata": {"team": "support"},
        },
    },
    "move_job": {
        "Let it start next": {"to": "front"},
        "Let it start right before another queued job": {"before": OTHER_JOB_ID},
    },
    "prune": {"See what the settings' limits would delete": {"dry_run": True}},
}
UPLOAD = {"Rows for training": {"file": '{"text": "win a prize", "label": "spam"}\n', "purpose": "fine-tune"}}


def named(examples: dict[str, Any]) -> dict[str, Any]:
    """As OpenAPI has them: a key without spaces, the title as summary, the value."""
    return {
        f"example_{number}": {"summary": title, "value": value}
        for number, (title, value) in enumerate(examples.items(), 1)
    }
