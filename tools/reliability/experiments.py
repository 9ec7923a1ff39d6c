"""The list of experiments."""

from tools.reliability import calls, faults, files, kills

# For each experiment: what it does, its function, its number of trials.
FAULTS = {
    "SIGKILL in training, with checkpoints": (kills.kill_trainings, 300),
    "SIGKILL in `save`": (kills.kill_saves, 500),
    "SIGKILL in a download": (kills.kill_downloads, 60),
    "SIGINT (Ctrl-C) in training": (kills.interrupt_trainings, 300),
    "a full disk": (faults.fill_disk, 300),
    "a checkpoint cut at every 1,000th byte": (faults.cut_checkpoints, 100),
    "no memory left on the device (simulated)": (faults.exhaust_memory, 500),
    "diverging training": (faults.diverge, 500),
    "a worker that dies, `n_jobs=2`": (faults.kill_workers, 5),
    "read-only and mapped arrays": (faults.pass_fixed_arrays, 200),
    "two downloads at once": (kills.fetch_twice, 40),
}
INPUTS = {
    "calls of all estimators": (calls.draw_calls, 10_000),
    "mutated saved models": (files.mutate_models, 10_000),
    "mutated checkpoints": (files.mutate_checkpoints, 1000),
    "mutated IDX files": (files.mutate_idx, 10_000),
}
