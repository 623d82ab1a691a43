package field

import (
	"path"
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
)

// mountFields are the mounts of the container. The one that is meant is named by its
// number from 0, or by one of its ends, in which * and ? stand for letters.
func mountFields() []Field {
	bySource := func(m *event.Mount) string { return m.Source }
	byDest := func(m *event.Mount) string { return m.Destination }
	row := func(name string, key func(*event.Mount) string, get func(*event.Mount) string, desc string) Field {
		return Field{Name: "container.mount" + name, Type: event.TypeString, Arg: RequiredKey, Desc: desc,
			Get: ofInfo(fromRuntime, func(i *event.ContainerInfo, a Arg) event.Value {
				if m := findMount(i.Mounts, a.Name, key); m != nil {
					return event.OptionalString(get(m))
				}
				return event.Value{}
			})}
	}
	return group(Field{Scope: PerThread, Invalidates: moves, Source: "container runtime"},
		Field{Name: "container.mounts", Type: event.TypeString, Get: ofInfo(fromRuntime, func(i *event.ContainerInfo, _ Arg) event.Value { return allMounts(i.Mounts) }),
			Desc: "All mounts of the container: source:destination:mode:rw:propagation, with commas between them."},
		row("", bySource, mountText, "One mount, by number from 0 or by source, * and ? allowed."),
		row(".source", byDest, bySource, "Source of a mount, by number or by destination."),
		row(".dest", bySource, byDest, "Destination of a mount, by number or by source."),
		row(".mode", bySource, func(m *event.Mount) string { return m.Mode }, "Mode of a mount, by number or by source."),
		row(".rdwr", bySource, func(m *event.Mount) string { return strconv.FormatBool(m.Writable) }, "true if a mount can be written to, by number or by source."),
		row(".propagation", bySource, func(m *event.Mount) string { return m.Propagation }, "Propagation of a mount, by number or by source."),
	)
}

// findMount returns the mount with this number, or the first whose key fits the
// pattern; nil if there is none.
func findMount(mounts []event.Mount, pattern string, key func(*event.Mount) string) *event.Mount {
	if n, err := strconv.ParseUint(pattern, 10, 16); err == nil {
		if int(n) < len(mounts) {
			return &mounts[n]
		}
		return nil
	}
	for i := range mounts {
		if k := key(&mounts[i]); k == pattern || globbed(pattern, k) {
			return &mounts[i]
		}
	}
	return nil
}

// globbed tells that a path fits a pattern in which * crosses slashes, as with the
// operator glob.
func globbed(pattern, s string) bool {
	if !strings.ContainsAny(pattern, "*?[") {
		return false
	}
	const other = "\x00" // stands for the slash, which path.Match does not let * cross
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", other), strings.ReplaceAll(s, "/", other))
	return err == nil && ok
}

func mountText(m *event.Mount) string {
	return strings.Join([]string{m.Source, m.Destination, m.Mode, strconv.FormatBool(m.Writable), m.Propagation}, ":")
}

func allMounts(mounts []event.Mount) event.Value {
	texts := make([]string, len(mounts))
	for i := range mounts {
		texts[i] = mountText(&mounts[i])
	}
	return event.OptionalString(strings.Join(texts, ","))
}
