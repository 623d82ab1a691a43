package capture

// The objects are committed, so that building the agent needs Go alone. The
// include folders are those of Debian's libbpf-dev and linux-libc-dev.
//
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 direct ../../bpf/goshawk.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -no-global-types probed ../../bpf/goshawk.bpf.c -- -O2 -g -Wall -Werror -mcpu=v2 -DPROBE_READS -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
