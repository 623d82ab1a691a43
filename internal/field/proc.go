package field

import (
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// procFields are the program that the event's process runs and its parent's.
func procFields() []Field {
	return group(Field{Scope: PerImage, Invalidates: "exec", Source: "kernel at exec and fork; /proc for processes older than the agent"},
		Field{Name: "proc.exe", Type: event.TypeString, Get: ofImage(procExe),
			Desc: "First element of the argument list, as the caller of exec chose it."},
		Field{Name: "proc.pexe", Type: event.TypeString, Get: ofParent(procExe),
			Desc: "proc.exe of the process that created this one."},
		Field{Name: "proc.exepath", Type: event.TypeString, Path: true, Get: ofImage(procExePath),
			Desc: "Resolved path of the executable."},
		Field{Name: "proc.pexepath", Type: event.TypeString, Path: true, Get: ofParent(procExePath),
			Desc: "proc.exepath of the process that created this one."},
		Field{Name: "proc.name", Type: event.TypeString, Get: ofImage(procName),
			Desc: "Name of the process as the kernel has it (comm, up to 15 bytes), without its path."},
		Field{Name: "proc.pname", Type: event.TypeString, Get: ofParent(procName),
			Desc: "proc.name of the process that created this one."},
		Field{Name: "proc.args", Type: event.TypeString, Arg: OptionalKey, Get: procArgs,
			Desc: "Arguments joined by blanks, without the first; with a number N, the N-th of them, counted from 0."},
		Field{Name: "proc.cmdline", Type: event.TypeString, Get: ofImage(procCmdLine),
			Desc: "proc.name and proc.args, joined by a blank."},
		Field{Name: "proc.pcmdline", Type: event.TypeString, Get: ofParent(procCmdLine),
			Desc: "proc.cmdline of the process that created this one."},
		Field{Name: "proc.cmdnargs", Type: event.TypeUint, Get: ofImage(procCmdNArgs),
			Desc: "Number of arguments, without the first."},
		Field{Name: "proc.cmdlenargs", Type: event.TypeUint, Get: ofImage(procCmdLenArgs),
			Desc: "Total length of the arguments in bytes, without the first and without blanks between them."},
		Field{Name: "proc.exeline", Type: event.TypeString, Get: procExeLine,
			Desc: "proc.exe and proc.args, joined by a blank."},
		Field{Name: "proc.env", Type: event.TypeString, Arg: OptionalKey, Get: procEnv, Needs: NeedEnviron,
			Desc: "Environment at exec as NAME=value, joined by blanks; with an argument, the value of that variable."},
		Field{Name: "proc.cwd", Type: event.TypeString, Path: true, Get: ofImage(func(im *event.Image) event.Value { return event.OptionalString(im.Cwd) }),
			Invalidates: "exec; the directory is that of the last exec and does not follow chdir",
			Desc:        "Working directory when the program started."},
	)
}

// ofParent makes a getter that reads the image of the process's creator, as it
// was at the fork.
func ofParent(get func(*event.Image) event.Value) Getter {
	return ofImage(func(im *event.Image) event.Value {
		if im.Parent == nil {
			return event.Value{}
		}
		return get(im.Parent)
	})
}

func procExe(im *event.Image) event.Value {
	if im.Argv == "" {
		return event.OptionalString(im.Comm) // kernel threads have no arguments
	}
	first, _ := im.Argv.Next()
	return event.String(first)
}

func procExePath(im *event.Image) event.Value { return event.OptionalString(im.ExePath) }

func procName(im *event.Image) event.Value { return event.OptionalString(im.Comm) }

func procCmdLine(im *event.Image) event.Value { return event.OptionalString(im.CmdLine) }

// argv returns the arguments after the first.
func argv(im *event.Image) event.Words {
	_, rest := im.Argv.Next()
	return rest
}

func procArgs(ev *event.Event, arg Arg) event.Value {
	if ev.Image == nil {
		return event.Value{}
	}
	if !arg.Given {
		return procArgsText(ev, ev.Image)
	}
	if i, ok := position(arg.Name); ok {
		if a, ok := argv(ev.Image).At(i); ok {
			return event.String(a)
		}
	}
	return event.Value{}
}

// procArgsText joins the arguments. CmdLine ends with them as a rule.
func procArgsText(ev *event.Event, im *event.Image) event.Value {
	args := argv(im)
	if args == "" {
		return event.String("")
	}
	rest, ok := strings.CutPrefix(im.CmdLine, im.Comm)
	if ok && len(rest) == args.JoinedLen()+1 && rest[0] == ' ' {
		return event.String(rest[1:])
	}
	return event.String(ev.Scratch(func(b []byte) []byte { return args.AppendJoined(b) }))
}

func procCmdNArgs(im *event.Image) event.Value { return event.Uint(uint64(argv(im).Len())) }

func procCmdLenArgs(im *event.Image) event.Value { return event.Uint(uint64(argv(im).TextLen())) }

func procExeLine(ev *event.Event, _ Arg) event.Value {
	im := ev.Image
	switch {
	case im == nil:
		return event.Value{}
	case im.Argv == "":
		return event.OptionalString(im.Comm)
	}
	return event.String(ev.Scratch(func(b []byte) []byte { return im.Argv.AppendJoined(b) }))
}

func procEnv(ev *event.Event, arg Arg) event.Value {
	im := ev.Image
	switch {
	case im == nil || im.Env == "":
		return event.Value{}
	case !arg.Given:
		return event.String(ev.Scratch(func(b []byte) []byte { return im.Env.AppendJoined(b) }))
	}
	return variable(im, arg.Name)
}

// variable returns the value of a variable of an image's environment.
func variable(im *event.Image, name string) event.Value {
	for e := range im.Env.All() {
		if len(e) > len(name) && e[len(name)] == '=' && e[:len(name)] == name {
			return event.String(e[len(name)+1:])
		}
	}
	return event.Value{}
}
