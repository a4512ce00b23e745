#!/usr/bin/env bash
# Everything that wants a real GPU, in one call of at most ten minutes: the op table on cuda and on Vulkan, the benchmark
# beside PyTorch, torch.compile and tinygrad (losses agree, ratios), compute-sanitizer.
#
#   tests/gpu/run.sh --build    where cargo is: builds what is needed into target/gpu, to be carried along
#   tests/gpu/run.sh            where the GPU is, from the repository's root; builds by itself where cargo is
#
# PYTHON names the Python with PyTorch, PROFILE a profile of cargo's. Logs go to target/gpu/logs and, if there is an
# OUT, packed into it. Where no loader of Vulkan is installed, Debian packages of one are unpacked from .gl. The parts
# do not depend on each other: each ends as ok, FAILED or skipped, with the reason, in a table at the end; one that
# failed fails the whole.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
made=target/gpu
logs=$made/logs
out=${OUT:-$logs}
python=${PYTHON:-python3}
profile=${PROFILE:-release}
tests=(ops gpu dtypes)
shards=8
# Seconds that are left for all parts; a build comes on top.
budget=560
summary=() more=() failed=0
export PYTHONUNBUFFERED=1

build() {
  local flags=() name path folder=$profile
  [ "$profile" = dev ] && folder=debug
  cargo build --profile "$profile" --locked || return
  cp "target/$folder/playgrad" "$made/playgrad"
  for name in "${tests[@]}"; do flags+=(--test "$name"); done
  cargo test --no-run --locked --message-format=json "${flags[@]}" >"$made/built.json" || return
  for name in "${tests[@]}"; do
    path=$(grep "\"name\":\"$name\"" "$made/built.json" | grep -o '"executable":"[^"]*"' | tail -n 1 | cut -d'"' -f4)
    cp "$path" "$made/$name" || return
  done
  rm "$made/built.json"
  strip "$made/playgrad" "${tests[@]/#/$made/}" 2>/dev/null
  # The tests look for their tables where they were built.
  pwd >"$made/root"
}

note() {
  summary+=("$(printf '%-24s %s' "$1" "$2")")
  echo "== $1: $2"
}

# part NAME SECONDS COMMAND...
part() {
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
  timeout -k 5 "$limit" "$@" >"$logs/$name.log" 2>&1 || code=$?
  tail -n "${LINES_SHOWN:-8}" "$logs/$name.log"
  if [ $code -eq 0 ]; then
    note "$name" "ok, $((SECONDS - start)) s"
  else
    failed=1
    note "$name" "FAILED with $code after $((SECONDS - start)) s, see $name.log"
  fi
}

# What a program prints, whatever it ends with: a reader that leaves early would end it.
has() {
  local pattern=$1 text
  shift
  text=$("$@" 2>/dev/null)
  grep -Eq "$pattern" <<<"$text"
}

available() { grep -Eq "^$1 +available" <<<"$devices"; }

finish() {
  {
    echo
    printf '%s\n' "${summary[@]:-nothing ran}"
  } | tee "$logs/table.txt"
  if [ "$out" != "$logs" ]; then
    mkdir -p "$out"
    cp "$logs/table.txt" "$out/"
    cp "$logs"/*.json "$out/" 2>/dev/null
    tar czf "$out/logs.tar.gz" -C "$logs" .
  fi
}

mkdir -p "$made"
rm -rf "$logs"
mkdir -p "$logs"
if command -v cargo >/dev/null; then
  build || { echo "the build failed"; exit 1; }
elif [ ! -x "$made/playgrad" ]; then
  echo "no cargo here and nothing in $made: run tests/gpu/run.sh --build elsewhere and bring $made"
  exit 1
fi
[ "${1:-}" = --build ] && exit 0

trap finish EXIT
deadline=$((SECONDS + budget))
root=$(cat "$made/root")
if [ "$root" != "$PWD" ] && [ ! -e "$root" ]; then
  mkdir -p "$(dirname "$root")" && ln -s "$PWD" "$root"
fi
# A driver and its Vulkan part that no system folder names.
own=/usr/local/nvidia
if ! has libcuda ldconfig -p && [ -e $own/lib64/libcuda.so.1 ]; then
  export LD_LIBRARY_PATH=$own/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
if ! has libvulkan ldconfig -p && compgen -G '.gl/*.deb' >/dev/null; then
  for package in .gl/*.deb; do dpkg -x "$package" /; done
  ldconfig
fi
if [ -z "${VK_DRIVER_FILES:-}" ] && [ ! -e /usr/share/vulkan/icd.d/nvidia_icd.json ] &&
  [ ! -e /etc/vulkan/icd.d/nvidia_icd.json ] && [ -e $own/share/vulkan/icd.d/nvidia_icd.json ]; then
  export VK_DRIVER_FILES=$own/share/vulkan/icd.d/nvidia_icd.json
fi
# NVRTC beside PyTorch, where the system has none.
if [ -z "${PLAYGRAD_NVRTC:-}" ] && ! has 'libnvrtc\.so\.1[23]' ldconfig -p && [ ! -e /usr/local/cuda/lib64/libnvrtc.so ]; then
  found=$("$python" -c 'import glob, sys
print(*(f for p in sys.path for f in glob.glob(p + "/nvidia/**/libnvrtc.so.1[23]", recursive=True)), sep="\n")' 2>/dev/null | sort | tail -n 1)
  [ -n "$found" ] && export PLAYGRAD_NVRTC=$found
fi
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,clocks.sm,memory.total --format=csv
devices=$("$made/playgrad" devices)
echo "$devices"

# The op table in several processes at a time: most of its time goes to compilers.
sharded() {
  local binary=$1 device=$2 code=0 i pids=()
  for ((i = 0; i < shards; i++)); do
    PLAYGRAD_SHARD=$i/$shards "$binary" --exact "$device" --nocapture &
    pids+=($!)
  done
  for i in "${pids[@]}"; do wait "$i" || code=$?; done
  return $code
}
export -f sharded
export shards

checks() {
  local device=$1 name
  if ! available "$device"; then
    note "$device" "skipped: $(grep "^$device " <<<"$devices" || echo "this build does not know it")"
    return
  fi
  for name in "${tests[@]}"; do
    if [ "$name" = ops ]; then
      part "$device-ops" 150 bash -c "sharded $made/ops $device"
    elif has "^$device: test" "$made/$name" --list; then
      part "$device-$name" 60 "$made/$name" --exact "$device"
    elif [ "$name" = gpu ] && { [ "$device" = vulkan ] || ! available vulkan; }; then
      part "$device-gpu" 120 "$made/gpu"
    fi
  done
  part "$device-check" 60 "$made/playgrad" bench --device "$device" --size tiny --seconds 0.01
  LINES_SHOWN=40 part "$device-profile" 30 "$made/playgrad" profile gpt-nano --device "$device" --seconds 0.1
}

beside() {
  local name=$1 limit=$2 engines=$3
  shift 3
  LINES_SHOWN=60 part "bench-$device-$name" "$limit" "$python" tests/gpu/bench.py --playgrad "$made/playgrad" \
    --device "$device" --engines "$engines" --seconds 0.1 --turns 1 --json "$logs/$name.json" "$@"
}

checks cuda

device=${DEVICE:-cpu}
for found in cuda vulkan; do
  [ -z "${DEVICE:-}" ] && grep -Eq "^$found +available +.*(NVIDIA|AMD|Intel)" <<<"$devices" && { device=$found; break; }
done
if "$python" -c 'import torch, numpy, safetensors' 2>"$logs/python.log"; then
  [ -n "${SIZE:-}" ] && more=(--size "$SIZE")
  beside torch 150 torch "${more[@]}"
  # Compiling takes PyTorch half a minute for some models.
  beside compile 150 compile "${more[@]}" train softmax layernorm
  [ "$device" = cuda ] && beside tf32 40 torch --tf32 "${more[@]}" matmul
else
  note bench "skipped: $python lacks $(tail -n 1 "$logs/python.log")"
  LINES_SHOWN=60 part "alone-$device" 150 "$made/playgrad" bench --device "$device" --size "${SIZE:-large}"
fi

if ! available cuda; then
  note sanitizer "skipped: no cuda device"
elif ! command -v compute-sanitizer >/dev/null; then
  note sanitizer "skipped: compute-sanitizer is not installed"
else
  for tool in memcheck racecheck; do
    part "sanitizer-$tool" 60 compute-sanitizer --tool "$tool" --error-exitcode 9 \
      "$made/playgrad" bench matmul reduce softmax layernorm conv attention \
      --device cuda --size tiny --seconds 0.001
  done
fi

checks vulkan

if "$python" -c 'import torch, numpy, safetensors, tinygrad' 2>/dev/null; then
  beside tinygrad 90 tinygrad "${more[@]}" train matmul
else
  note tinygrad "skipped: not installed"
fi
exit $failed
