package rule

import "github.com/goshawk-security/goshawk/internal/event"

// SourceSyscall is the source of events that this version has, and what a rule
// without a source key asks for.
const SourceSyscall = "syscall"

// The kinds of item, by the key that names them.
const (
	KindRule  = "rule"
	KindMacro = "macro"
	KindList  = "list"

	KindEngine  = "required_engine_version"
	KindPlugins = "required_plugin_versions"
)

// MaxDepth bounds nesting within a condition, and of macros and lists in each
// other.
const MaxDepth = 250

// TypeName names the type of a value in errors: "a number".
func TypeName(t event.ValueType) string {
	switch t {
	case event.TypeString:
		return "a text"
	case event.TypeInt, event.TypeUint:
		return "a number"
	case event.TypeBool:
		return "true or false"
	case event.TypeIP:
		return "an address or a network"
	case event.TypePort:
		return "a port"
	case event.TypeDuration:
		return "a duration"
	case event.TypeTime:
		return "a time"
	case event.TypeList:
		return "a list"
	}
	return "of a type without a name"
}
