#!/usr/bin/env bash
# Everything that wants a real GPU, in one call of at most ten minutes: the op table and the GPU cases on cuda and on
# Vulkan, compute-sanitizer, the benchmark beside PyTorch and tinygrad.
#
#   tests/gpu/run.sh --build    where cargo is: builds what is needed into target/gpu, to be carried along
#   tests/gpu/run.sh            where the GPU is, from the repository's root; builds by itself where cargo is
#
# PYTHON names the Python with PyTorch; logs go to $OUT, or target/gpu/logs. Every stage ends as ok, FAILED or
# skipped, with the reason; one that failed fails the whole.
set -uo pipefail
cd "$(dirname "$0")/../.."
made=target/gpu
logs=${OUT:-$made/logs}
python=${PYTHON:-python3}
tests=(ops gpu dtypes)
mkdir -p "$made" "$logs"
summary=() failed=0
# Seconds that are left for all stages; a build comes on top.
budget=580

build() {
  cargo build --release --locked || return
  cp target/release/playgrad "$made/playgrad"
  local flags=() name path
  for name in "${tests[@]}"; do flags+=(--test "$name"); done
  cargo test --no-run --locked --message-format=json "${flags[@]}" >"$made/built.json" || return
  for name in "${tests[@]}"; do
    path=$(grep "\"name\":\"$name\"" "$made/built.json" | grep -o '"executable":"[^"]*"' | cut -d'"' -f4)
    cp "$path" "$made/$name" || return
  done
  rm "$made/built.json"
  # The tests look for their tables where they were built.
  pwd >"$made/root"
}

note() {
  summary+=("$(printf '%-24s %s' "$1" "$2")")
  echo "== $1: $2"
}

# stage NAME SECONDS COMMAND...
stage() {
  local name=$1 limit=$2 start=$SECONDS code=0
  shift 2
  local left=$((deadline - SECONDS))
  if [ $left -lt 5 ]; then
    failed=1
    note "$name" "FAILED: no time is left"
    return
  fi
  [ "$limit" -gt $left ] && limit=$left
  echo "== $name: $*"
  timeout "$limit" "$@" >"$logs/$name.log" 2>&1 || code=$?
  tail -n "${LINES_SHOWN:-8}" "$logs/$name.log"
  if [ $code -eq 0 ]; then
    note "$name" "ok, $((SECONDS - start)) s"
  else
    failed=1
    note "$name" "FAILED with $code after $((SECONDS - start)) s, see $logs/$name.log"
  fi
}

if command -v cargo >/dev/null; then
  build || { echo "the build failed"; exit 1; }
elif [ ! -x "$made/playgrad" ]; then
  echo "no cargo here and nothing in $made: run tests/gpu/run.sh --build elsewhere and bring $made"
  exit 1
fi
[ "${1:-}" = --build ] && exit 0

deadline=$((SECONDS + budget))
root=$(cat "$made/root")
if [ "$root" != "$PWD" ] && [ ! -e "$root" ]; then
  mkdir -p "$(dirname "$root")" && ln -s "$PWD" "$root"
fi
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,clocks.sm,memory.total --format=csv
devices=$("$made/playgrad" devices)
echo "$devices"

for device in cuda vulkan; do
  if ! grep -Eq "^$device +available" <<<"$devices"; then
    note "$device" "skipped: $(grep "^$device " <<<"$devices" || echo "this build does not know it")"
    continue
  fi
  for name in "${tests[@]}"; do
    if "$made/$name" --list 2>/dev/null | grep -q "^$device: test"; then
      stage "$device-$name" 90 "$made/$name" --exact "$device"
    elif [ "$name" = gpu ] && [ "$device" = vulkan ]; then
      stage "$device-$name" 120 "$made/$name"
    else
      note "$device-$name" "skipped: $name has no test called $device"
    fi
  done
  stage "$device-check" 60 "$made/playgrad" bench --device "$device" --size tiny --seconds 0.01
  stage "$device-profile" 30 "$made/playgrad" profile gpt-nano --device "$device" --seconds 0.1
done

if ! grep -Eq '^cuda +available' <<<"$devices"; then
  note sanitizer "skipped: no cuda device"
elif ! command -v compute-sanitizer >/dev/null; then
  note sanitizer "skipped: compute-sanitizer is not installed"
else
  for tool in memcheck racecheck; do
    stage "sanitizer-$tool" 60 compute-sanitizer --tool "$tool" --error-exitcode 9 \
      "$made/playgrad" bench matmul reduce softmax layernorm conv attention \
      --device cuda --size tiny --seconds 0.001
  done
fi

device=cpu
for found in cuda vulkan; do
  grep -Eq "^$found +available +.*(NVIDIA|AMD|Intel|cuda)" <<<"$devices" && { device=$found; break; }
done
if "$python" -c 'import torch, numpy, safetensors' 2>"$logs/python.log"; then
  beside() {
    local engines=$1 limit=$2
    shift 2
    LINES_SHOWN=60 stage "bench-$device-$engines" "$limit" "$python" tests/gpu/bench.py \
      --playgrad "$made/playgrad" --device "$device" --engines "$engines" --seconds 0.1 --turns 1 \
      --json "$logs/$engines.json" "$@"
  }
  beside torch 150
  # Compiling takes PyTorch half a minute for some models.
  beside compile 200 train softmax layernorm
  beside tinygrad 120 train matmul
else
  note bench "skipped: $python lacks $(tail -n 1 "$logs/python.log")"
  LINES_SHOWN=60 stage "alone-$device" 200 "$made/playgrad" bench --device "$device"
fi

echo
printf '%s\n' "${summary[@]}"
exit $failed
