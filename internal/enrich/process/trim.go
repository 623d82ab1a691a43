package process

import (
	"unsafe"

	"github.com/goshawk-security/goshawk/internal/enrich/budget"
	"github.com/goshawk-security/goshawk/internal/event"
)

const (
	// keptArgv is how much of an argument list stays when it is trimmed.
	keptArgv = 512
	// keptPath is how much of a path stays then. Longer ones are rare but can
	// be made.
	keptPath = 512
	// defaultMaxText is the budget of a Table that was given none.
	defaultMaxText = 32 << 20
)

// fresh is an image whose event is being handled. Its text is charged, or
// trimmed, before the next one.
type fresh struct {
	entry  *Entry
	img    *event.Image
	before *event.Image // what it took the place of, and shares text with; may be nil
}

// room returns how many bytes of an argument list images may hold now; it is
// negative when there is room for all. Texts of ended processes go first.
func (t *Table) room(ended bool) int {
	used, limit := t.cfg.Text.Alive(), t.cfg.Text.Limit()
	switch {
	case used >= limit:
		return keptArgv / 16
	case used >= limit/8*7:
		return keptArgv / 4
	case used >= limit/4*3, ended && used >= limit/2:
		return keptArgv
	}
	return -1
}

// added notes an image that was made for the event at hand.
func (t *Table) added(e *Entry, img, before *event.Image) {
	if img != nil {
		budget.Charge(t.images, img, 1)
	}
	t.fresh = append(t.fresh, fresh{e, img, before})
}

// copied tells that an image's copy took its place.
func (t *Table) copied(img, by *event.Image) {
	for i := range t.fresh {
		if t.fresh[i].img == img {
			t.fresh[i].img = by
		}
	}
}

// settle closes the event before: its image was whole while it was handled, and
// nobody has a child of it yet.
func (t *Table) settle() {
	for _, f := range t.fresh {
		if f.entry.Ended != 0 {
			t.settleEnded(f.entry)
		}
		if f.img == nil {
			continue
		}
		img := f.img
		if keep := t.room(false); keep >= 0 {
			if small := t.trimmed(img, keep); small != nil {
				f.entry.replace(img, small)
				img = small
			}
		}
		charge(t.cfg.Text, img, f.before)
	}
	clear(t.fresh)
	t.fresh = t.fresh[:0]
}

// settleEnded trims all images of a process that ended.
func (t *Table) settleEnded(e *Entry) {
	for _, img := range [...]*event.Image{e.Image, e.old[0].img, e.old[1].img} {
		keep := t.room(true)
		if img == nil || keep < 0 {
			continue
		}
		if small := t.trimmed(img, keep); small != nil {
			e.replace(img, small)
			charge(t.cfg.Text, small, img)
		}
	}
}

// replace puts an image in the place of another one. Those that have the other
// one as their parent keep it.
func (e *Entry) replace(img, by *event.Image) {
	if e.Image == img {
		e.Image = by
	}
	for i := range e.old {
		if e.old[i].img == img {
			e.old[i].img = by
		}
	}
}

// trimmed returns a copy of an image with at most keep bytes of arguments, no
// environment and no long paths; nil if that is all the same. The command line
// goes on being made of the arguments.
func (t *Table) trimmed(img *event.Image, keep int) *event.Image {
	small := *img
	changed := img.Env != ""
	small.Env = ""
	if len(img.Argv) > keep {
		small.Argv, small.ArgsCut = cutArgv(img.Argv, keep), true
		small.CmdLine = cmdLine(img.Comm, small.Argv)
		changed = true
	}
	paths := []*string{&small.ExePath, &small.Filename, &small.Cwd, &small.CgroupPath}
	for i := range small.Stdio {
		paths = append(paths, &small.Stdio[i].Name, &small.Stdio[i].Socket.Path)
	}
	for _, p := range paths {
		if len(*p) > keptPath {
			*p = string([]byte((*p)[:keptPath])) // the rest must be free to go
			changed = true
		}
	}
	if !changed {
		return nil
	}
	small.Trimmed = true
	budget.Charge(t.images, &small, 1)
	t.stats.Trimmed++
	return &small
}

// cutArgv copies the beginning of an argument list. A long name of the program
// must not hide what is asked of it, so that has half of the room at most.
func cutArgv(argv event.Words, keep int) event.Words {
	first, rest := argv.Next()
	first = first[:min(len(first), keep/2)]
	b := make([]byte, 0, keep)
	b = append(append(b, first...), 0)
	return event.Words(append(b, rest[:min(len(rest), keep-len(b))]...))
}

// charge counts the text of an image, without what it shares with before: that
// was counted.
func charge(b *budget.Budget, img, before *event.Image) {
	if before == nil {
		before = &event.Image{}
	}
	chargeText(b, string(img.Argv), string(before.Argv))
	chargeText(b, string(img.Env), string(before.Env))
	chargeText(b, img.CmdLine, before.CmdLine)
	chargeText(b, img.ExePath, before.ExePath)
	chargeText(b, img.Filename, before.Filename)
	chargeText(b, img.Cwd, before.Cwd)
	for i := range img.Stdio {
		s, was := &img.Stdio[i], &before.Stdio[i]
		chargeText(b, s.Name, was.Name)
		chargeText(b, s.Socket.Path, was.Socket.Path)
	}
}

func chargeText(b *budget.Budget, s, before string) {
	if s != "" && (before == "" || unsafe.StringData(s) != unsafe.StringData(before)) {
		b.Text(s)
	}
}
