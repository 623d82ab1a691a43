package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
)

// maxOperands bounds what one transformer works on: its values are held beside
// each other while the text is put together.
const maxOperands = 32

// Funcs are the transformers, with what each takes.
func Funcs() map[string]string {
	return map[string]string{
		"tolower":  "one text or list",
		"toupper":  "one text or list",
		"b64":      "one text or list",
		"basename": "one text or list",
		"len":      "one text or list",
		"join":     "two arguments, a text to put between and a list",
		"concat":   "at least two texts",
		"getopt":   "two arguments, a list and the letters of options as getopt(3) takes them",
	}
}

// Row checks the arguments of the transformer fn and makes its row. arg is what
// stands in brackets behind it.
func Row(name, fn string, arg field.Arg, args []Operand) (*field.Field, error) {
	takes, ok := Funcs()[fn]
	switch {
	case !ok:
		return nil, fmt.Errorf("unknown transformer %s", fn)
	case arg.Given && fn != "getopt":
		return nil, fmt.Errorf("%s takes no argument in brackets", fn)
	case arg.Given && len(arg.Name) != 1:
		return nil, fmt.Errorf("getopt takes one letter in brackets, not %.60q", arg.Name)
	case count(args, func(*Operand) bool { return true }) > maxOperands:
		return nil, fmt.Errorf("%s is given more than %d values", fn, maxOperands)
	case count(args, (*Operand).each) > 1:
		return nil, fmt.Errorf("%s is given more than one field that has a value for each ancestor: write a number in brackets", fn)
	}
	get, t, bad := getter(fn, arg, args)
	switch {
	case get != nil:
		return newRow(name, fn, t, get, args), nil
	case bad >= 0:
		return nil, fmt.Errorf("%s takes %s, and %s", fn, takes, args[bad].name())
	}
	return nil, fmt.Errorf("%s takes %s, and is given %d", fn, takes, len(args))
}

// count counts the operands, and those in lists, for which f holds.
func count(args []Operand, f func(*Operand) bool) int {
	n := 0
	for i := range args {
		if n += count(args[i].List, f); f(&args[i]) {
			n++
		}
	}
	return n
}

// getter makes the getter of a transformer. If there is none, bad is the
// argument that does not fit, -1 if their number does not.
func getter(fn string, arg field.Arg, args []Operand) (get field.Getter, t event.ValueType, bad int) {
	switch fn {
	case "join":
		switch {
		case len(args) != 2:
			return nil, 0, -1
		case !args[0].isText():
			return nil, 0, 0
		case !args[1].many():
			return nil, 0, 1
		}
		return joinGetter(args), event.TypeString, 0
	case "concat":
		if len(args) < 2 {
			return nil, 0, -1
		}
		if i := slices.IndexFunc(args, func(o Operand) bool { return !o.isText() }); i >= 0 {
			return nil, 0, i
		}
		return concatGetter(args), event.TypeString, 0
	case "getopt":
		return getoptGetter(arg, args)
	}
	switch {
	case len(args) != 1:
		return nil, 0, -1
	case args[0].many() && fn == "len":
		return countGetter(listOf(args)), event.TypeUint, 0
	case args[0].many():
		return eachText(listOf(args), changes[fn]), event.TypeList, 0
	case !args[0].isText():
		return nil, 0, 0
	case fn == "len":
		return lengthGetter(args[0].read()), event.TypeUint, 0
	}
	return oneText(args[0].read(), changes[fn]), event.TypeString, 0
}

// newRow makes the row of a transformer: what holds for all fields inside.
func newRow(name, fn string, t event.ValueType, get field.Getter, args []Operand) *field.Field {
	row := &field.Field{
		Name: name, Type: t, Get: get, OfType: true, Scope: field.PerNode,
		Desc: "What " + fn + " makes of what is in it.",
		Path: len(args) == 1 && fn == "tolower" && args[0].Ref != nil && args[0].Ref.Field.Path,
	}
	inherit(row, args)
	return row
}

// inherit gives a row what it has from the fields inside.
func inherit(row *field.Field, args []Operand) {
	for i := range args {
		inherit(row, args[i].List)
		if args[i].Ref == nil {
			continue
		}
		in := args[i].Ref.Field
		row.Scope = shorter(row.Scope, in.Scope)
		row.OfType = row.OfType && in.OfType
		row.Needs |= in.Needs
		if in.Types != nil {
			row.Types = both(row.Types, in.Types)
		}
		row.Undelivered = alsoSaid(row.Undelivered, in.Undelivered)
		row.Invalidates = alsoSaid(row.Invalidates, in.Invalidates)
		row.Source = alsoSaid(row.Source, in.Source)
		if args[i].each() {
			row.Arg, row.First = field.OptionalIndex, in.First
		}
	}
}

// shorter returns the scope of a value made of two: that of the one which lasts
// less long. What differs between names does so whatever it is joined with.
func shorter(a, b field.Scope) field.Scope {
	if a == field.PerName || b == field.PerName {
		return field.PerName
	}
	return min(a, b)
}

// both intersects; nil is all types. What no type carries is not nil.
func both(a, b []event.Type) []event.Type {
	if a == nil {
		return b
	}
	types := []event.Type{}
	for _, t := range a {
		if slices.Contains(b, t) {
			types = append(types, t)
		}
	}
	return types
}

func alsoSaid(text, more string) string {
	if more == "" || strings.Contains(text, more) {
		return text
	}
	return strings.TrimPrefix(text+"; "+more, "; ")
}
