/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// layout.bpf.c holds no program: package decode's Go types are generated from it.

#include "event.h"

#define EXPORT(type) const struct type *export_##type __attribute__((used))

EXPORT(record_header);
EXPORT(param_header);
EXPORT(call_info);
EXPORT(file_info);
EXPORT(socket_info);
EXPORT(stdio_info);
EXPORT(task_info);

const enum param_id *export_param_id __attribute__((used));
const enum param_flag *export_param_flag __attribute__((used));
const enum record_flag *export_record_flag __attribute__((used));
const enum socket_flag *export_socket_flag __attribute__((used));
const enum file_layer *export_file_layer __attribute__((used));
