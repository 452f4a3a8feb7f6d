#!/usr/bin/env bash
# A SLURM of one node for tests, from Debian's packages: no systemd, no cgroups, no accounting; two GPUs that are no
# devices. Needs root. State lies in $SLURM_NODE; the only trace elsewhere is the link /etc/slurm/slurm.conf, because
# the job steps of Snakemake's plugin don't hand on SLURM_CONF.
#   one_node.sh install   the packages, by apt-get
#   one_node.sh start     munged, slurmctld and slurmd
#   one_node.sh stop      the same, by their process ids
set -euo pipefail

dir=${SLURM_NODE:?names the folder of the state}
host=$(hostname -s)
link=/etc/slurm/slurm.conf
export SLURM_CONF=$dir/slurm.conf PATH=$PATH:/usr/sbin

wait_for() { # wait_for <seconds> <command…>
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || { echo "one_node: timed out waiting for: $*" >&2; return 1; }
        sleep 0.2
    done
}

install() {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge
}

configure() {
    mkdir -p "$dir"/{munge,state,spool,log,dev}
    chmod 755 "$dir" "$dir/munge"
    (umask 077; head -c 128 /dev/urandom >"$dir/munge/munge.key")
    # config_overrides lets the node declare more memory than the machine has; jobs of the smoke scale use little of it.
    cat >"$SLURM_CONF" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/munge.socket
CredType=cred/munge
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=2
MinJobAge=3600
ReturnToService=2
KillWait=2
InactiveLimit=0
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=64000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=cpu Nodes=$host Default=YES MaxTime=30-00:00:00 State=UP
PartitionName=gpu Nodes=$host MaxTime=30-00:00:00 State=UP
CONF
    # slurmd counts GPUs by their files; null devices will do.
    local i
    for i in 0 1; do [[ -e $dir/dev/gpu$i ]] || mknod "$dir/dev/gpu$i" c 1 3; done
    echo "NodeName=$host Name=gpu Type=fake File=$dir/dev/gpu[0-1]" >"$dir/gres.conf"
}

start() {
    [[ ! -e $link ]] || { echo "one_node: $link belongs to another SLURM" >&2; return 1; }
    configure
    mkdir -p "${link%/*}"
    ln -sfn "$SLURM_CONF" "$link"
    munged --socket="$dir/munge/munge.socket" --key-file="$dir/munge/munge.key" --pid-file="$dir/munged.pid" \
        --log-file="$dir/log/munged.log" --seed-file="$dir/munge/munged.seed"
    wait_for 10 munge --socket="$dir/munge/munge.socket" -n
    slurmctld
    wait_for 20 scontrol ping
    slurmd
    wait_for 30 bash -c "sinfo -h -o %T | grep -q idle"
}

stop() {
    local daemon pid
    for daemon in slurmd slurmctld munged; do
        [[ -s $dir/$daemon.pid ]] || continue
        pid=$(<"$dir/$daemon.pid")
        kill "$pid" 2>/dev/null && wait_for 20 bash -c "! kill -0 $pid"
    done
    if [[ $(readlink "$link") == "$SLURM_CONF" ]]; then rm "$link"; fi
}

case ${1:-} in
    install | start | stop) "$1" ;;
    *) sed -n '2,7p' "$0"; exit 2 ;;
esac
