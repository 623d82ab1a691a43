package field

import "github.com/goshawk-security/goshawk/internal/event"

// Getter reads a field of an event. It never allocates for a plain field and
// never fails: what is not there is a value of another presence.
type Getter func(*event.Event, Arg) event.Value

// Arg is the argument in brackets of a field, read once when a rule is compiled.
type Arg struct {
	Given bool
	Name  string // as written: proc.env[HOME]
	Index int    // the number, for fields whose argument is one: proc.aname[2]
}

// ArgUse says whether a field takes an argument.
type ArgUse uint8

// The uses of an argument.
const (
	NoArg       ArgUse = iota
	OptionalKey        // may be given, any text
	RequiredKey
	OptionalIndex // may be given, a number; without it the field has one value for each index
	RequiredIndex
)

// Scope says what a value depends on: for how long it stays the same.
type Scope uint8

// The scopes, narrowest first. A value that is said to outlive an event is
// remembered and not read again: PerImage, PerProcess and PerNode are only for
// getters that read nothing but the event's Image and what names its process.
const (
	_          Scope = iota // not said: [New] does not take such a row
	PerEvent                // differs from event to event
	PerName                 // differs between the names of one event: fd.name and its parts
	PerThread               // can change while an image runs: ids, capabilities, comm, names of users
	PerImage                // constant from exec to exec
	PerProcess              // constant from birth to death
	PerNode                 // the same for all
)

// Needs is what costs something and is done only while a rule asks for it.
type Needs uint8

// The needs.
const (
	NeedEnviron  Needs = 1 << iota // the environments of processes
	NeedServices                   // the services that choose a pod
	NeedDNS                        // the answers that containers get from DNS servers
)

// Has tells that all of other is needed.
func (n Needs) Has(other Needs) bool { return n&other == other }

// Field is one row of the catalogue.
type Field struct {
	Name string // Falco's name where it has one
	Type event.ValueType
	Arg  ArgUse
	Desc string // one sentence, for the manual

	Get Getter

	// Each asks for the values of an OptionalIndex field that was written without
	// an argument: indexes count from First until the getter says absent, and a
	// comparison is true when it is true for any of them.
	First int

	// Either names two fields that this one stands for: fd.ip is fd.cip or
	// fd.sip. A comparison is true when it is true for one of them; != is true when
	// no side that is there is equal. Get is used for output alone.
	Either []string
	sides  []*Field // Either's rows; New fills it

	// Types are the event types that can carry the field; nil means all.
	Types []event.Type

	// OfType says that the type of the event alone decides the value.
	OfType bool

	Scope       Scope
	Invalidates string // what changes the value within its scope; "" for nothing
	Source      string // where the value comes from: kernel, /proc, passwd …
	Since       string // oldest kernel that delivers it, "5.8" unless said

	// Path says that the value is an absolute path of a file: literals that it is
	// compared with get the aliases of usual links when a rule is compiled.
	Path bool

	// Needs is what has to be read for the field and is not read unless a rule asks.
	Needs Needs

	// Undelivered is the reason why no event has a value for the field, "" if some
	// have: the getter then says absent, and the check of rules warns.
	Undelivered string
}

// Catalogue finds fields by name.
type Catalogue struct {
	rows   []Field
	byName map[string]*Field
}

// New joins the rows of several sources. The rows are the catalogue's from
// then on. It panics at a row without a scope: that is a mistake of the program.
func New(sources ...[]Field) *Catalogue {
	c := &Catalogue{byName: map[string]*Field{}}
	for _, rows := range sources {
		c.rows = append(c.rows, rows...)
	}
	for i := range c.rows {
		if c.rows[i].Get == nil && c.rows[i].Undelivered != "" {
			c.rows[i].Get = absent
		}
		if c.rows[i].Scope < PerEvent || c.rows[i].Scope > PerNode {
			panic("field: " + c.rows[i].Name + " has no scope")
		}
		c.byName[c.rows[i].Name] = &c.rows[i]
	}
	for i := range c.rows {
		row := &c.rows[i]
		row.sides = nil
		for _, name := range row.Either {
			if side := c.byName[name]; side != nil {
				row.sides = append(row.sides, side)
			}
		}
	}
	return c
}

// absent is the getter of a field that is not delivered.
func absent(*event.Event, Arg) event.Value { return event.Value{} }

// Sides returns the rows that Either names; none for a row that New did not
// see. They are shared.
func (f *Field) Sides() []*Field { return f.sides }

// Find returns the row with this name, nil if there is none. It is shared and
// must not be changed.
func (c *Catalogue) Find(name string) *Field { return c.byName[name] }

// All returns every row in catalogue order. The slice is shared.
func (c *Catalogue) All() []Field { return c.rows }
