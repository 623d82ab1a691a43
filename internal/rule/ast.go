package rule

import (
	"net/netip"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
)

// Pos is a place in a rule file. Line and Col count from 1, Col in runes.
type Pos struct {
	File string
	Line int
	Col  int
}

// Expr is a node of a condition: [*And], [*Or], [*Not], [*MacroRef],
// [*Comparison] or [*Exists]. String writes it on one line, macros by name.
type Expr interface {
	Position() Pos
	String() string
	expr()
}

// And is true when all its parts are; it has at least two.
type And struct {
	Pos   Pos
	Parts []Expr
}

// Or is true when one of its parts is; it has at least two.
type Or struct {
	Pos   Pos
	Parts []Expr
}

// Not is true when X is not.
type Not struct {
	Pos Pos
	X   Expr
}

// MacroRef stands where a condition names a macro. After Load, Macro is never
// nil and there is no circle.
type MacroRef struct {
	Pos   Pos
	Name  string
	Macro *Macro
}

// Exists is true when the field has a value.
type Exists struct {
	Pos   Pos
	Text  string // as written
	Field FieldRef
}

// Comparison holds a field against one or more literals.
type Comparison struct {
	Pos   Pos
	Text  string // as written
	Field FieldRef
	Op    Op
	Quant Quant // how many of Values must hold; only for operators on text
	// Right is what the field is held against instead of literals: val(field) or a
	// transformer. Values is empty then.
	Right *FieldRef
	// Values are the literals: one for plain operators, any number for in,
	// pmatch and intersects, lists already expanded. Comparisons may share them:
	// they must not be changed.
	Values []Literal
}

// Broken stands for a part of a condition that could not be read. A rule that
// was loaded has none.
type Broken struct {
	Pos Pos
}

// FieldRef is what a condition or an output reads: a field, or a transformer
// around fields. After Load, Field is never nil.
type FieldRef struct {
	Pos  Pos
	Text string // as written: proc.aname[2]
	Name string // proc.aname; of a transformer its text without blanks
	Arg  field.Arg
	// Field is the catalogue's row. For a transformer it is a row that the checker
	// made: its type is the result's, its getter calls those of the fields inside,
	// and its scope, types and needs are theirs.
	Field *field.Field
	Call  *Call // of a transformer
}

// Call is a transformer with its arguments: tolower(proc.name).
type Call struct {
	Func string // tolower toupper b64 basename len join concat getopt
	Args []Operand
}

// Operand is an argument of a transformer: a field or a nested transformer, a
// literal (quoted text or a number), or a list of these.
type Operand struct {
	Pos    Pos
	Ref    *FieldRef
	Lit    *Literal
	IsList bool
	List   []Operand
}

// Literal is a value in a condition: its text, and, after Load, the same
// converted to the type of the field it is compared with.
type Literal struct {
	Pos   Pos
	Text  string
	Value event.Value
	Net   netip.Prefix // for addresses and networks: an address is a prefix of full length

	Bare     bool // not in quotes: may name a list
	ListName bool // stands where only a list can
}

// Op is an operator between a field and literals.
type Op uint8

// The operators.
const (
	OpInvalid Op = iota
	OpEq         // = and ==
	OpNe         // !=
	OpLt
	OpLe
	OpGt
	OpGe
	OpContains
	OpIContains
	OpStartsWith
	OpEndsWith
	OpGlob
	OpIn
	OpIntersects
	OpPMatch
	OpIGlob
	OpRegex
	OpBContains
	OpBStartsWith
)

// Quant is the word between a text operator and a list: how many of the list's
// values must satisfy the operator.
type Quant uint8

// The quantifiers. QuantNone is a plain comparison.
const (
	QuantNone  Quant = iota
	QuantOneOf       // exactly one
	QuantAnyOf       // at least one
	QuantAllOf       // every one
)

// String returns the word; "" for QuantNone.
func (q Quant) String() string { return [...]string{"", "oneof", "anyof", "allof"}[q] }

var OpNames = [...]string{
	OpInvalid: "invalid", OpEq: "=", OpNe: "!=", OpLt: "<", OpLe: "<=", OpGt: ">", OpGe: ">=",
	OpContains: "contains", OpIContains: "icontains", OpStartsWith: "startswith", OpEndsWith: "endswith",
	OpGlob: "glob", OpIn: "in", OpIntersects: "intersects", OpPMatch: "pmatch",
	OpIGlob: "iglob", OpRegex: "regex", OpBContains: "bcontains", OpBStartsWith: "bstartswith",
}

// Ops returns every operator.
func Ops() []Op {
	var all []Op
	for o := OpEq; int(o) < len(OpNames); o++ {
		all = append(all, o)
	}
	return all
}

// String returns the operator as Falco writes it.
func (o Op) String() string {
	if int(o) < len(OpNames) {
		return OpNames[o]
	}
	return OpNames[OpInvalid]
}

// TakesList tells that the operator stands before a list.
func (o Op) TakesList() bool { return o == OpIn || o == OpIntersects || o == OpPMatch }

func (e *And) Position() Pos        { return e.Pos }
func (e *Or) Position() Pos         { return e.Pos }
func (e *Not) Position() Pos        { return e.Pos }
func (e *MacroRef) Position() Pos   { return e.Pos }
func (e *Exists) Position() Pos     { return e.Pos }
func (e *Comparison) Position() Pos { return e.Pos }
func (e *Broken) Position() Pos     { return e.Pos }

func (*And) expr()        {}
func (*Or) expr()         {}
func (*Not) expr()        {}
func (*MacroRef) expr()   {}
func (*Exists) expr()     {}
func (*Comparison) expr() {}
func (*Broken) expr()     {}

func (*Broken) String() string { return "…" }
