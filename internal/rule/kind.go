package rule

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
