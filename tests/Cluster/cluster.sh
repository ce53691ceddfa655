#!/usr/bin/env bash
# A Slurm cluster of two nodes on this machine, for tests: one munged, one slurmctld, two slurmd. Everything - configuration, key,
# state, logs, process ids - lies in one folder; no system service is touched. Runs as root or as an ordinary user.
#   cluster.sh start FOLDER [OWNER]   starts it and waits until both nodes are idle; SLURM_CONF=FOLDER/slurm.conf reaches it.
#                                     When the process OWNER is gone, however it ended, the cluster is stopped
#   cluster.sh kill-node FOLDER NODE  ends node1 or node2 at once, with all that runs on it, as a power cut would
#   cluster.sh start-node FOLDER NODE brings it back
#   cluster.sh stop FOLDER            ends all of it; the folder stays
# Needs Debian's slurm-wlm and munge, or what provides the same daemons elsewhere.
set -euo pipefail

verb=${1:?start, kill-node, start-node or stop} folder=$(realpath -m "${2:?folder}")
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin SLURM_CONF=$folder/slurm.conf
user=$(id -un)

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || { echo $port; return; }
  done
}

write_configuration() {
  mkdir -p "$folder"/{state,log,run,spool/node1,spool/node2}
  chmod 755 "$folder"
  (umask 077 && head -c 1024 /dev/urandom > "$folder/munge.key")
  # Timeouts of seconds: a node that dies is noticed, and its tasks go elsewhere, while a test waits.
  # No accounting: sacct does not work here.
  cat > "$SLURM_CONF" << CONF
ClusterName=toy
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=0
SlurmctldTimeout=10
SlurmdTimeout=5
MessageTimeout=3
TCPTimeout=2
InactiveLimit=0
KillWait=2
UnkillableStepTimeout=10
MinJobAge=60
ReturnToService=2
NodeName=node1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2 RealMemory=1000
NodeName=node2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2 RealMemory=1000
PartitionName=main Nodes=node1,node2 Default=YES MaxTime=01:00:00 State=UP
CONF
}

# Waits until a command succeeds, 20 s at most.
wait_for() { # wait_for WHAT COMMAND...
  local what=$1 end=$((SECONDS + 20))
  shift
  until "$@" > /dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      echo "cluster.sh: $what did not happen within 20 s; see $folder/log." >&2
      return 1
    fi
    sleep 0.2
  done
}

answers() { scontrol ping | grep -q 'is UP'; }
nodes_are_idle() { [ "$(sinfo --noheader --Node --format=%T | grep -c '^idle$')" = 2 ]; }
has_ended() { [ ! -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

# Ends the process whose id a file holds, if it is still the daemon that was started.
end_daemon() { # end_daemon SIGNAL PID_FILE NAME
  local pid
  pid=$(cat "$2" 2> /dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$3" ] || return 0
  kill "-$1" "$pid" || return 0
  wait_for "the end of $3" has_ended "$pid"
}

# Processes of jobs on a node: they carry this cluster's configuration in their environment. The shepherd of each, slurmstepd, carries
# nothing, but writes into its node's log.
processes_on() { # processes_on NODE
  local process
  for process in /proc/[0-9]*; do
    if [ "$(cat "$process/comm" 2> /dev/null)" = slurmstepd ]; then
      readlink "$process"/fd/* 2> /dev/null | grep -qxF "$folder/log/slurmd-$1.log" || continue
    else
      tr '\0' '\n' 2> /dev/null < "$process/environ" | awk -v conf="SLURM_CONF=$SLURM_CONF" -v node="SLURMD_NODENAME=$1" \
        '$0 == conf { c = 1 } $0 == node { n = 1 } END { exit !(c && n) }' || continue
    fi
    basename "$process"
  done
}

start_node() {
  SLURMD_NODENAME=$1 slurmd -N "$1" -f "$SLURM_CONF"
}

kill_node() {
  end_daemon KILL "$folder/run/slurmd-$1.pid" slurmd
  local signal pids
  pids=$(processes_on "$1")
  # All are stopped before the first one dies: none tells the controller of another's end.
  for signal in STOP KILL; do
    [ -z "$pids" ] || kill -$signal $pids 2> /dev/null || true
  done
}

stop() {
  kill_node node1
  kill_node node2
  end_daemon TERM "$folder/run/slurmctld.pid" slurmctld
  end_daemon TERM "$folder/run/munged.pid" munged
}

case $verb in
  start)
    write_configuration
    trap stop ERR
    munged --force --num-threads=2 --key-file="$folder/munge.key" --socket="$folder/run/munge.socket" --pid-file="$folder/run/munged.pid" \
      --log-file="$folder/log/munged.log" --seed-file="$folder/state/munged.seed" > /dev/null
    slurmctld -c -f "$SLURM_CONF"
    start_node node1
    start_node node2
    wait_for "the controller's answer" answers
    wait_for "the start of both nodes" nodes_are_idle
    [ -z "${3:-}" ] || (cd / && setsid "$(realpath "$0")" guard "$folder" "$3" < /dev/null > /dev/null 2>&1 &)
    ;;
  guard)
    while [ -d "$folder" ] && ! has_ended "$3"; do
      sleep 1
    done
    stop
    ;;
  kill-node)
    kill_node "${3:?node}"
    ;;
  start-node)
    start_node "${3:?node}"
    ;;
  stop)
    stop
    ;;
  *)
    echo "cluster.sh: there is no $verb; it takes start, kill-node, start-node or stop." >&2
    exit 2
    ;;
esac
