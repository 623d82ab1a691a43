package field

import (
	"encoding/json"
	"io"

	"github.com/goshawk-security/goshawk/internal/event"
)

// entry is one row as JSON.
type entry struct {
	Name          string    `json:"name"`
	Type          string    `json:"type"`
	List          bool      `json:"list"`
	Path          bool      `json:"path"`
	Argument      *argument `json:"argument,omitempty"`
	Description   string    `json:"description"`
	Scope         string    `json:"scope"`
	InvalidatedBy string    `json:"invalidatedBy,omitempty"`
	Source        string    `json:"source,omitempty"`
	Since         string    `json:"since"`
	EventTypes    []string  `json:"eventTypes,omitempty"` // all if left out
	Sides         []string  `json:"sides,omitempty"`
	InKernel      string    `json:"inKernel"`
	Undelivered   string    `json:"undelivered,omitempty"`
}

// argument is what a field takes in brackets.
type argument struct {
	Use  string `json:"use"`  // optional, required
	Kind string `json:"kind"` // index, key
}

// JSON writes the rows as an array of objects, for tools. It returns what w
// returned.
func JSON(w io.Writer, rows []Field) error {
	all := make([]entry, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		e := entry{
			Name: r.Name, Type: r.typeName(), List: r.Type == event.TypeList, Path: r.Path, Argument: r.argument(),
			Description: r.Desc, Scope: r.Scope.String(), InvalidatedBy: r.Invalidates, Source: r.from(), Since: r.Since,
			Sides: r.Either, InKernel: r.InKernel().String(), Undelivered: r.Undelivered,
		}
		for _, t := range r.Types {
			e.EventTypes = append(e.EventTypes, t.String())
		}
		all = append(all, e)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(all)
}

func (f *Field) argument() *argument {
	switch f.Arg {
	case OptionalKey:
		return &argument{"optional", "key"}
	case RequiredKey:
		return &argument{"required", "key"}
	case OptionalIndex:
		return &argument{"optional", "index"}
	case RequiredIndex:
		return &argument{"required", "index"}
	}
	return nil
}

// typeName is the type of one value.
func (f *Field) typeName() string {
	return map[event.ValueType]string{
		event.TypeString: "string", event.TypeList: "string", event.TypeInt: "int", event.TypeUint: "uint", event.TypeBool: "bool",
		event.TypeIP: "address", event.TypePort: "port", event.TypeDuration: "duration", event.TypeTime: "time",
	}[f.Type]
}

// String names a scope.
func (s Scope) String() string {
	if int(s) < len(scopeNames) {
		return scopeNames[s]
	}
	return ""
}

var scopeNames = [...]string{PerEvent: "event", PerName: "name", PerThread: "thread", PerImage: "image", PerProcess: "process", PerNode: "node"}
