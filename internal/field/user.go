package field

import "github.com/goshawk-security/goshawk/internal/event"

// userFields are the identity under which the call was made.
func userFields() []Field {
	const ids = "exec and the setuid and setgid families in any thread"
	rows := group(Field{Scope: PerThread, Invalidates: ids, Source: "kernel"},
		Field{Name: "user.uid", Type: event.TypeUint, Get: ofEvent(func(ev *event.Event) event.Value { return event.Uint(uint64(ev.UID)) }),
			Desc: "Effective user id of the thread, in the initial user namespace."},
		Field{Name: "group.gid", Type: event.TypeUint, Get: ofEvent(func(ev *event.Event) event.Value { return event.Uint(uint64(ev.GID)) }),
			Desc: "Effective group id of the thread, in the initial user namespace."},
	)
	rows = append(rows, group(Field{Scope: PerThread, Invalidates: ids + "; changes of passwd and group files", Source: "passwd and group files"},
		Field{Name: "user.name", Type: event.TypeString, Get: userGetter(func(a event.Account) string { return a.Name }),
			Desc: "Name of user.uid; absent if no passwd file has it."},
		Field{Name: "user.homedir", Type: event.TypeString, Path: true, Get: userGetter(func(a event.Account) string { return a.Home }),
			Desc: "Home directory of user.uid."},
		Field{Name: "user.shell", Type: event.TypeString, Path: true, Get: userGetter(func(a event.Account) string { return a.Shell }),
			Desc: "Login shell of user.uid."},
		Field{Name: "group.name", Type: event.TypeString, Get: ofEvent(groupName),
			Desc: "Name of group.gid; absent if no group file has it."},
	)...)
	rows = append(rows, group(Field{Scope: PerImage, Invalidates: "exec; the value is that of the last exec or fork", Source: "kernel at exec and fork"},
		Field{Name: "user.loginuid", Type: event.TypeInt, Get: ofImage(loginUID),
			Desc: "User id with which the session was logged in, -1 if no login started it."},
	)...)
	return append(rows, group(Field{Scope: PerThread, Invalidates: "exec; changes of passwd files", Source: "kernel at exec and fork; passwd files"},
		Field{Name: "user.loginname", Type: event.TypeString, Get: ofEvent(loginName),
			Desc: "Name of user.loginuid; absent if no login started the session."},
	)...)
}

// userGetter makes a getter of a part of the user's account.
func userGetter(part func(event.Account) string) Getter {
	return func(ev *event.Event, _ Arg) event.Value {
		if ev.Accounts == nil {
			return event.Value{}
		}
		a, ok := ev.Accounts.User(ev.UID)
		if !ok {
			return event.Value{}
		}
		return event.OptionalString(part(a))
	}
}

func groupName(ev *event.Event) event.Value {
	if ev.Accounts == nil {
		return event.Value{}
	}
	name, _ := ev.Accounts.Group(ev.GID)
	return event.OptionalString(name)
}

// loginUID is signed: Falco's -1 is the kernel's unset.
func loginUID(im *event.Image) event.Value {
	if im.Creds.LoginUID == event.LoginUnset {
		return event.Int(-1)
	}
	return event.Int(int64(im.Creds.LoginUID))
}

func loginName(ev *event.Event) event.Value {
	if ev.Accounts == nil || ev.Image == nil || ev.Image.Creds.LoginUID == event.LoginUnset {
		return event.Value{}
	}
	a, _ := ev.Accounts.User(ev.Image.Creds.LoginUID)
	return event.OptionalString(a.Name)
}
