package decode

// The object holds no program; it is where the layout's types come from.
//
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -type record_header -type param_header -type call_info -type file_info -type socket_info -type stdio_info -type task_info -type param_id -type param_flag -type record_flag -type socket_flag -type file_layer layout ../../bpf/layout.bpf.c -- -O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
