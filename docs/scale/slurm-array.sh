#!/bin/bash
# One Slurm array task for each shard: sbatch slurm-array.sh
#SBATCH --job-name=utkage
#SBATCH --array=0-99
#SBATCH --cpus-per-task=8
#SBATCH --mem=8G
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=utkage-%A-%a.log
set -euo pipefail

INPUT=/data/photos
OUT=/data/rows
# The size of the array, written out: SLURM_ARRAY_TASK_COUNT is smaller when some tasks run again.
SHARDS=100

# A task that runs again goes on where it ended.
status=0
utkage predict "$INPUT" \
    --shard "$SLURM_ARRAY_TASK_ID/$SHARDS" \
    --workers "$SLURM_CPUS_PER_TASK" \
    --out "$OUT/rows-$SLURM_ARRAY_TASK_ID.jsonl" --resume || status=$?

# 3: some pictures could not be read. Their rows have the reason.
if [ "$status" -eq 3 ]; then
    status=0
fi
exit "$status"
