#!/usr/bin/env bash
# Runs a job as a pod does: in an empty folder of its own, with nothing of the checkout. «start SCRIPT» prints the folder, by
# which «state FOLDER» is asked for. PODS is where the folders are made, PYTHON whose packages the job has.
set -euo pipefail
case $1 in
    start)
        export PATH="$(dirname "$PYTHON"):$PATH"
        folder=$(mktemp -d "$PODS/XXXXXX")
        cp "$2" "$folder/job.sh"
        cd "$folder"
        (bash ./job.sh > log 2>&1 && echo success > state || echo failed > state) < /dev/null > /dev/null 2>&1 &
        echo "$folder"
        ;;
    state) cat "$2/state" 2> /dev/null || echo running ;;
esac
