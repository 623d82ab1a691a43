/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
// cgroup.bpf.c: a cgroup appears or goes.
//
// A container's cgroup is made before its first process, so its id is known
// when the first event carries it.

#include "task.h"

static __always_inline int cgroup_put(struct cgroup *cgrp, __u16 type)
{
	struct task_struct *task = task_current();
	struct cgroup *own = task_cgroup(task);
	struct task_info *t;
	struct slot *s;

	// Everybody has a cgroup in every hierarchy, so anybody's tells which one
	// the agent chose.
	if (READ(cgrp, root) != READ(own, root))
		return 0;
	s = record_begin(task, type);
	if (!s)
		return 0;
	t = param_fixed(s, PARAM_TASK, task_info);
	if (t) {
		__builtin_memset(t, 0, sizeof(*t));
		t->cgroup = cgroup_id(cgrp);
	}
	cgroup_path_put(s, (__u64)cgrp);
	record_send_state(s);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_made, struct cgroup *cgrp, const char *path)
{
	return cgroup_put(cgrp, EVENT_CGROUP_MKDIR);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_removed, struct cgroup *cgrp, const char *path)
{
	return cgroup_put(cgrp, EVENT_CGROUP_RMDIR);
}
