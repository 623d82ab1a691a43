package alert

import (
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/source"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// fieldRef is a field as a rule names it.
type fieldRef struct {
	name  string
	arg   string
	given bool
	call  *rule.Call // of a transformer
}

func refOf(ref *rule.FieldRef) fieldRef {
	return fieldRef{name: ref.Name, arg: ref.Arg.Name, given: ref.Arg.Given, call: ref.Call}
}

// parseRef reads what a condition says of its field: proc.env[HOME],
// evt.arg.flags.
func parseRef(text string) fieldRef {
	if rest, ok := strings.CutPrefix(text, "evt.arg."); ok {
		return fieldRef{name: "evt.arg", arg: rest, given: true}
	}
	if bracket := strings.IndexByte(text, '['); strings.Contains(text[:max(bracket, 0)], "(") || bracket < 0 && strings.Contains(text, "(") {
		ref, _ := syntax.ParseField(text, source.TextCursor("", text))
		return fieldRef{name: text, call: ref.Call}
	}
	name, arg, given := strings.Cut(text, "[")
	arg = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(arg), "]"))
	if n := len(arg); n >= 2 && (arg[0] == '"' || arg[0] == '\'') && arg[n-1] == arg[0] {
		arg = arg[1 : n-1]
	}
	return fieldRef{name: name, arg: arg, given: given}
}

// index returns the number in brackets.
func (f fieldRef) index() (int, bool) {
	n, err := strconv.Atoi(f.arg)
	return n, err == nil && n >= 0 && n < event.MaxLineage<<10
}

// text masks a field's value. What was made of arguments or of an environment
// is masked item by item: the joined text does not tell where a secret with a
// blank in it ends. A value that is not what the field's name promises is masked
// as any text.
func (t *teller) text(f fieldRef, s string) string {
	img := t.ev.Image
	switch {
	case t.mask == nil || img == nil || s == "":
		return t.plain(s)
	case f.call != nil && t.hides(f.call.Args):
		return masked
	}
	switch f.name {
	case "proc.cmdline":
		return t.commandLine(img, s)
	case "proc.pcmdline":
		return t.commandLine(img.Parent, s)
	case "proc.acmdline":
		if n, ok := f.index(); f.given && ok {
			return t.commandLine(img.Ancestor(n), s)
		}
		return t.ancestors(s, func(img *event.Image, line string) string { return line })
	case "proc.aargs":
		if !f.given {
			return t.ancestors(s, argumentsOf)
		}
	case "proc.args":
		if n, ok := f.index(); f.given && ok {
			return t.argument(img, n, s)
		}
	case "proc.env", "proc.aenv":
		if _, ok := f.index(); f.given && !ok {
			return t.mask.envValue(f.arg, s)
		}
	}
	switch {
	case strings.HasPrefix(f.name, "proc.") || f.name == "evt.arg":
		return t.joined(s)
	case f.name == "evt.args", f.name == "evt.info":
		return t.params(img, s)
	}
	return t.plain(s)
}

// hides tells that something in an argument of a transformer is masked. What the
// transformer made of it then cannot be shown: it can look like anything.
func (t *teller) hides(args []rule.Operand) bool {
	for i := range args {
		a := &args[i]
		switch {
		case t.hides(a.List):
			return true
		case a.Ref == nil:
			continue
		case a.Ref.Call != nil:
			if t.hides(a.Ref.Call.Args) {
				return true
			}
			continue
		}
		if v := t.read(a.Ref); v.IsPresent() && v.Type() == event.TypeString && t.text(refOf(a.Ref), v.Str()) != v.Str() {
			return true
		}
	}
	return false
}

// read reads a field that a transformer names. One that a condition only names has
// no row yet.
func (t *teller) read(ref *rule.FieldRef) event.Value {
	row, arg := ref.Field, ref.Arg
	for name := ref.Name; row == nil; { // evt.arg.flags is evt.arg with an argument
		if row = t.cat.Find(name); row != nil {
			break
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return event.Value{}
		}
		name, arg = name[:i], field.Arg{Given: true, Name: ref.Name[i+1:]}
	}
	if n, err := strconv.Atoi(arg.Name); err == nil {
		arg.Index = n
	}
	return row.Get(t.ev, arg)
}

func (t *teller) commandLine(img *event.Image, s string) string {
	if img == nil || s != img.CmdLine {
		return t.joined(s)
	}
	return t.images.commandLine(img)
}

// argumentsOf cuts the program's name off a command line, as field proc.aargs does.
func argumentsOf(img *event.Image, line string) string {
	rest, _ := strings.CutPrefix(line, img.Comm+" ")
	if rest == line {
		return ""
	}
	return rest
}

// ancestors masks the command lines of all ancestors, or of the one of them that
// a condition was true for. part is what the field has of a line.
func (t *teller) ancestors(s string, part func(*event.Image, string) string) string {
	var all strings.Builder
	rest := s
	for img := t.ev.Image.Parent; img != nil && all.Len() < maxText; img = img.Parent {
		if all.Len() > 0 {
			rest = strings.TrimPrefix(rest, "<-")
			all.WriteString("<-")
		}
		own := part(img, img.CmdLine)
		if !strings.HasPrefix(rest, own) {
			return t.joined(s)
		}
		rest = rest[len(own):]
		all.WriteString(part(img, t.images.commandLine(img)))
	}
	text := cutText(all.String(), maxText)
	if rest != "" || len(text) < all.Len() {
		if all.Len() < maxText {
			return t.joined(s) // one of them, which begins as all do
		}
		text += cutMark
	}
	return text
}

// argument masks argument n of the process, the program's name not counted.
func (t *teller) argument(img *event.Image, n int, s string) string {
	if a, ok := img.Argv.At(n + 1); !ok || a != s {
		return t.plain(s)
	}
	if l := t.images.line(img); n < len(l.items) {
		if it := l.items[n]; l.text[it.from:it.to] == s {
			return l.part(it)
		}
	}
	return t.mask.arg(&maskedLine{}, n+1, img.Argv, s)
}

// joined masks a text that may be the joined arguments or environment of the
// process or of an ancestor.
func (t *teller) joined(s string) string {
	img := t.ev.Image
	for n := 0; n < event.MaxLineage && img != nil; n++ {
		if text, ok := t.joinedOf(img, s); ok {
			return text
		}
		img = img.Parent
	}
	return t.plain(s)
}

func (t *teller) joinedOf(img *event.Image, s string) (string, bool) {
	_, args := img.Argv.Next()
	switch {
	case isJoined(args, s):
		return t.arguments(img, args), true
	case isJoined(img.Argv, s):
		return t.mask.mask(argvLine(img.Argv)).render(), true
	case isJoined(img.Env, s):
		return t.mask.mask(envLine(img.Env)).render(), true
	case s == img.CmdLine:
		return t.images.commandLine(img), true
	}
	return "", false
}

// arguments masks the arguments of an image without its program's name.
func (t *teller) arguments(img *event.Image, args event.Words) string {
	l := t.images.line(img)
	if len(l.items) == 0 { // the command line is none
		l = t.mask.mask(argvLine(img.Argv))
		if len(l.items) < 2 {
			return t.plain(args.Joined())
		}
		return l.part(span{l.items[1].from, int32(len(l.text))}) + l.mark()
	}
	return l.part(span{l.items[0].from, int32(len(l.text))}) + l.mark()
}

// params masks all parameters of an event, of which the arguments and the
// environment are two.
func (t *teller) params(img *event.Image, s string) string {
	_, args := img.Argv.Next()
	var out strings.Builder
	for _, part := range [...]struct {
		key   string
		words event.Words
	}{{" args=", args}, {" env=", img.Env}} {
		i := strings.Index(s, part.key)
		if i < 0 || part.words == "" {
			continue
		}
		i += len(part.key)
		n := part.words.JoinedLen()
		if len(s)-i < n || !isJoined(part.words, s[i:i+n]) {
			continue
		}
		out.WriteString(t.plain(s[:i]))
		out.WriteString(t.joined(s[i : i+n]))
		s = s[i+n:]
	}
	out.WriteString(t.plain(s))
	text := cutText(out.String(), maxText)
	if len(text) < out.Len() {
		text += cutMark
	}
	return text
}

// isJoined tells that s is the words joined by blanks.
func isJoined(words event.Words, s string) bool {
	if words == "" || len(s) != words.JoinedLen() {
		return false
	}
	for w := range words.All() {
		if !strings.HasPrefix(s, w) {
			return false
		}
		s = s[len(w):]
		if s != "" && s[0] != ' ' {
			return false
		}
		s = strings.TrimPrefix(s, " ")
	}
	return true
}
