package transform

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// Operand is an argument of a transformer whose names were resolved.
type Operand struct {
	Ref    *rule.FieldRef // nil for a literal and a list
	Text   string         // of a literal
	IsList bool
	List   []Operand // what stands in parentheses
}

// each tells that the operand has a value for each index, as proc.aname has.
func (o *Operand) each() bool {
	return o.Ref != nil && o.Ref.Field.Arg == field.OptionalIndex && !o.Ref.Arg.Given
}

// many tells that the operand is a list.
func (o *Operand) many() bool {
	return o.IsList || o.Ref != nil && o.Ref.Field.Type == event.TypeList
}

// isText tells that the operand is one text.
func (o *Operand) isText() bool {
	return !o.IsList && (o.Ref == nil || o.Ref.Field.Type == event.TypeString)
}

// name names the operand in an error.
func (o *Operand) name() string {
	switch {
	case o.Ref != nil:
		return fmt.Sprintf("%s is %s", o.Ref.Text, rule.TypeName(o.Ref.Field.Type))
	case o.IsList:
		return "a list stands there"
	}
	return fmt.Sprintf("%.60q is one text", o.Text)
}

// read returns the getter of an operand that is no list in parentheses. The
// argument that a getter is called with counts the indexes of a field that has a
// value for each.
func (o *Operand) read() field.Getter {
	if o.Ref == nil {
		v := event.String(o.Text)
		return func(*event.Event, field.Arg) event.Value { return v }
	}
	get, arg := o.Ref.Field.Get, o.Ref.Arg
	if o.each() {
		return get
	}
	return func(ev *event.Event, _ field.Arg) event.Value { return get(ev, arg) }
}

// Name writes a transformer so that equal ones are written alike.
func Name(fn string, arg field.Arg, args []Operand) string {
	var b strings.Builder
	b.WriteString(fn)
	b.WriteByte('(')
	writeOperands(&b, args)
	b.WriteByte(')')
	if arg.Given {
		b.WriteString("[" + arg.Name + "]")
	}
	return b.String()
}

func writeOperands(b *strings.Builder, args []Operand) {
	for i := range args {
		if i > 0 {
			b.WriteByte(',')
		}
		switch a := &args[i]; {
		case a.Ref != nil:
			b.WriteString(a.Ref.Name)
			if a.Ref.Arg.Given {
				b.WriteString("[" + a.Ref.Arg.Name + "]")
			}
		case a.IsList:
			b.WriteByte('(')
			writeOperands(b, a.List)
			b.WriteByte(')')
		default:
			b.WriteString(strconv.Quote(a.Text))
		}
	}
}
