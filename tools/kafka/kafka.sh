#!/usr/bin/env bash
# Real Apache Kafka without containers: KRaft nodes from Maven Central's jars,
# with SCRAM logins and ACLs, on loopback only. For tests and benchmarks.
#
#   kafka.sh start [1|3]   start one node (or three), wait until it's ready
#   kafka.sh stop          stop the nodes; the data stays
#   kafka.sh status        what runs, and where
#   kafka.sh wipe          stop, and delete the data (the jars stay)
#
# SONGAN_KAFKA_HOME   where jars and data go (default: .cache/kafka)
# SONGAN_KAFKA_PORT   first port (default: 19092; node n takes port+n-1, its controller port+100+n-1)
#
# `start` writes <home>/env, whose lines let the tests find the cluster:
#   set -a; . .cache/kafka/env; set +a; go test ./...
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
home=${SONGAN_KAFKA_HOME:-$root/.cache/kafka}
port=${SONGAN_KAFKA_PORT:-19092}
heap=512m
patience=120 # seconds for a start

say() { printf '%s\n' "$*"; }
die() { printf 'kafka: %s\n' "$*" >&2; exit 1; }

# --- the jars ---------------------------------------------------------------

version() { sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml"; }

jars() { # downloads once; an interrupted download isn't taken for a whole one
  lib="$home/lib-$(version)"
  [ -d "$lib" ] && return
  command -v java >/dev/null || die "java 17 or newer is needed (Debian, Ubuntu: apt-get install openjdk-17-jre-headless)"
  command -v mvn >/dev/null || die "mvn is needed for the download (Debian, Ubuntu: apt-get install maven)"
  say "downloading Apache Kafka $(version) (44 MB, once) ..."
  rm -rf "$lib.part"
  mvn -q -B -ntp -Dstyle.color=never -f "$here/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$lib.part" >"$home/download.log" 2>&1 ||
    { cat "$home/download.log" >&2; die "the download failed"; }
  mv "$lib.part" "$lib"
}

kafka() { # kafka <main class> <arguments>: one of Kafka's own tools
  java -Xmx256m -XX:TieredStopAtLevel=1 -cp "$lib/*" -Dlog4j2.configurationFile="$here/log4j2.properties" "$@"
}

# --- configuration ----------------------------------------------------------

secret() { head -c 24 /dev/urandom | base64 | tr -d '+/=\n'; }

broker_port() { echo $((port + $1 - 1)); }
controller_port() { echo $((port + 100 + $1 - 1)); }

bootstrap() { # all nodes, host:port,...
  local list=""
  for n in $(seq "$nodes"); do list="$list,127.0.0.1:$(broker_port "$n")"; done
  echo "${list#,}"
}

voters() {
  local list=""
  for n in $(seq "$nodes"); do list="$list,$n@127.0.0.1:$(controller_port "$n")"; done
  echo "${list#,}"
}

# Controllers can't use SCRAM among themselves (its credentials lie in the log
# they vote on), so they use PLAIN with the same password, on loopback.
properties() { # properties <node>
  local copies=$nodes insync=$((nodes > 1 ? 2 : 1))
  local broker="127.0.0.1:$(broker_port "$1")" controller="127.0.0.1:$(controller_port "$1")"
  cat <<EOF
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$(voters)
controller.listener.names=CONTROLLER
listeners=BROKER://$broker,CONTROLLER://$controller
advertised.listeners=BROKER://$broker
listener.security.protocol.map=BROKER:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=BROKER
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.mechanism.controller.protocol=PLAIN
listener.name.broker.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="$user" password="$password";
listener.name.broker.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="$user" password="$password";
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="$user" password="$password" user_$user="$password";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:$user
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
log.dirs=$data/node-$1/log
num.partitions=1
default.replication.factor=$copies
min.insync.replicas=$insync
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$insync
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$insync
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
offsets.retention.minutes=2147483647
controlled.shutdown.enable=true
EOF
}

format() { # makes the nodes' folders, once, all at the same time
  [ -f "$data/formatted" ] && return
  say "making a cluster of $nodes ..."
  rm -rf "$data"
  mkdir -p "$data"
  user=songan password=$(secret)
  ( umask 077; printf 'user=%s\npassword=%s\n' "$user" "$password" >"$data/account" )
  local id n makers=""
  id=$(kafka kafka.tools.StorageTool random-uuid)
  for n in $(seq "$nodes"); do
    mkdir -p "$data/node-$n"
    ( umask 077; properties "$n" >"$data/node-$n/server.properties" )
    kafka kafka.tools.StorageTool format -t "$id" -c "$data/node-$n/server.properties" \
      --add-scram "SCRAM-SHA-512=[name=$user,password=$password]" \
      --add-scram "SCRAM-SHA-256=[name=$user,password=$password]" >"$data/node-$n/format.log" 2>&1 &
    makers="$makers $!"
  done
  for n in $makers; do
    wait "$n" || { cat "$data"/node-*/format.log >&2; die "the cluster could not be made"; }
  done
  : >"$data/formatted"
}

# --- processes --------------------------------------------------------------

pid_of() { # pid_of <node folder>: its process, if it lives and is ours
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) || return 1
  kill -0 "$pid" 2>/dev/null || return 1
  case $(ps -o args= -p "$pid" 2>/dev/null) in *"$1/server.properties"*) echo "$pid" ;; *) return 1 ;; esac
}

running() { # the folder of the cluster that runs
  for d in "$home"/cluster-*; do
    for f in "$d"/node-*; do pid_of "$f" >/dev/null && { echo "$d"; return; }; done
  done
  return 1
}

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

launch() { # launch <node>
  local f="$data/node-$1"
  properties "$1" >"$f/server.properties"
  : >"$f/node.log"
  # A session of its own: Ctrl-C in the terminal isn't for the broker.
  local apart=nohup
  ! command -v setsid >/dev/null || apart=setsid
  $apart java -Xms$heap -Xmx$heap -XX:+UseG1GC -XX:+ExitOnOutOfMemoryError \
    -Dlog4j2.configurationFile="$here/log4j2.properties" \
    -cp "$lib/*" kafka.Kafka "$f/server.properties" >"$f/node.log" 2>&1 </dev/null &
  echo $! >"$f/pid"
}

await() { # until each node says that it's started; only then is it unfenced
  local n f deadline=$((SECONDS + patience))
  for n in $(seq "$nodes"); do
    f="$data/node-$n"
    until grep -q 'Kafka Server started' "$f/node.log"; do
      pid_of "$f" >/dev/null || { tail -n 20 "$f/node.log" >&2; halt "$data"; die "node $n ended; its log is $f/node.log"; }
      [ $SECONDS -lt $deadline ] || { halt "$data"; die "node $n isn't ready after $patience s; its log is $f/node.log"; }
      sleep 0.2
    done
  done
}

halt() { # halt <cluster folder>: all nodes at once, a controlled shutdown
  local pids="" pid f i
  for f in "$1"/node-*; do pid=$(pid_of "$f") && pids="$pids $pid"; done
  [ -n "$pids" ] || return 0
  kill $pids 2>/dev/null || true
  for i in $(seq 150); do
    kill -0 $pids 2>/dev/null || break
    [ "$i" -lt 150 ] || kill -9 $pids 2>/dev/null || true
    sleep 0.2
  done
  rm -f "$1"/node-*/pid
}

# --- commands ---------------------------------------------------------------

start() {
  nodes=${1:-1}
  case $nodes in 1 | 3) ;; *) die "one node or three, not '$nodes'" ;; esac
  data="$home/cluster-$nodes"
  mkdir -p "$home"
  local other down="" began=$SECONDS n p
  if other=$(running) && [ "$other" != "$data" ]; then
    die "a cluster of ${other##*-} runs already: stop it first (kafka.sh stop)"
  fi
  for n in $(seq "$nodes"); do
    pid_of "$data/node-$n" >/dev/null || down="$down $n"
  done
  [ -n "$down" ] || { status; return; }
  for n in $down; do
    for p in $(broker_port "$n") $(controller_port "$n"); do
      ! taken "$p" || die "port $p is taken by another process: stop it, or set SONGAN_KAFKA_PORT"
    done
  done
  jars
  format
  . "$data/account"
  for n in $down; do launch "$n"; done
  await
  ( umask 077; cat >"$home/env" <<EOF
SONGAN_TEST_KAFKA=$(bootstrap)
SONGAN_TEST_KAFKA_USER=$user
SONGAN_TEST_KAFKA_PASSWORD=$password
EOF
  )
  say "Apache Kafka $(version), $nodes node(s), ready after $((SECONDS - began)) s"
  status
}

stop() {
  local d
  if ! d=$(running); then say "no Kafka runs"; return; fi
  halt "$d"
  rm -f "$home/env"
  say "stopped; the data stays in ${d#"$root"/}"
}

status() {
  local d f pid
  if ! d=$(running); then say "no Kafka runs (start one: make kafka)"; return 3; fi
  for f in "$d"/node-*; do
    if pid=$(pid_of "$f"); then say "${f##*/}   process $pid"; else say "${f##*/}   down"; fi
  done
  sed -e 's/^SONGAN_TEST_KAFKA=/bootstrap  /' -e 's/^SONGAN_TEST_KAFKA_USER=/user       /' \
    -e 's/^SONGAN_TEST_KAFKA_PASSWORD=/password   /' "$home/env"
  say "for tests  set -a; . ${home#"$root"/}/env; set +a"
}

wipe() {
  ! running >/dev/null || stop
  rm -rf "$home"/cluster-*
}

case ${1:-} in
  start) start "${2:-1}" ;;
  stop) stop ;;
  status) status ;;
  wipe) wipe ;;
  *) sed -n '2,/^set -euo/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
