package rule

// Code names a kind of problem for tools: it does not change when the text does.
type Code string

// Severity says what a problem does to the set.
type Severity uint8

// The severities.
const (
	Warning Severity = iota // works, but is probably not meant so
	Failure                 // the set is refused
)

// The codes of errors, then those of warnings. [Codes] says what they mean.
const (
	CodeFileUnreadable   Code = "file-unreadable"
	CodeBadYAML          Code = "bad-yaml"
	CodeBadItem          Code = "bad-item"
	CodeBadCondition     Code = "bad-condition"
	CodeBadOutput        Code = "bad-output"
	CodeUnknownField     Code = "unknown-field"
	CodeUnknownMacro     Code = "unknown-macro"
	CodeUnknownList      Code = "unknown-list"
	CodeUnknownEventType Code = "unknown-event-type"
	CodeUnknownPriority  Code = "unknown-priority"
	CodeBadArgument      Code = "bad-argument"
	CodeBadOperator      Code = "bad-operator"
	CodeBadValue         Code = "bad-value"
	CodeBadRegex         Code = "bad-regex"
	CodeBadTransformer   Code = "bad-transformer"
	CodeCircle           Code = "circle"
	CodeTooLarge         Code = "too-large"
	CodeBadException     Code = "bad-exception"
	CodeBadOverride      Code = "bad-override"
	CodeNothingToChange  Code = "nothing-to-change"
	CodeNeedsNewerEngine Code = "needs-newer-engine"

	CodeUnknownSource      Code = "unknown-source"
	CodeUnknownItem        Code = "unknown-item"
	CodeUnknownKey         Code = "unknown-key"
	CodeUnknownFilter      Code = "unknown-filter"
	CodeUnknownPlugin      Code = "unknown-plugin"
	CodeNoEffect           Code = "no-effect"
	CodeDeprecated         Code = "deprecated"
	CodeRedefined          Code = "redefined"
	CodeUnusedMacro        Code = "unused-macro"
	CodeUnusedList         Code = "unused-list"
	CodeUnusableMacro      Code = "unusable-macro"
	CodeBadMacroName       Code = "bad-macro-name"
	CodeBadListName        Code = "bad-list-name"
	CodeExceptionNoValues  Code = "exception-no-values"
	CodeExceptionNotUnique Code = "exception-not-unique"
	CodeExceptionUnused    Code = "exception-unused"
	CodeNoEventType        Code = "no-event-type"
	CodeNeverMatches       Code = "never-matches"
	CodeFieldNotCarried    Code = "field-not-carried"
	CodeFieldNotDelivered  Code = "field-not-delivered"
	CodeEventNotDelivered  Code = "event-not-delivered"
	CodeTrueIfAbsent       Code = "true-if-absent"
	CodeImpossibleValue    Code = "impossible-value"
	CodeAlwaysTrue         Code = "always-true"
	CodeEmptyList          Code = "empty-list"
	CodeDuplicateValue     Code = "duplicate-value"
	CodeListAsValue        Code = "list-as-value"
	CodeFieldAsValue       Code = "field-as-value"
	CodeTextOrder          Code = "text-order"
	CodeSimplerOperator    Code = "simpler-operator"
	CodeSlow               Code = "slow"
	CodePathIsLink         Code = "path-is-link"
	CodeRuleImplied        Code = "rule-implied"
)

// CodeInfo describes a code.
type CodeInfo struct {
	Code     Code
	Severity Severity
	Falco    string // what Falco's loader calls problems of this kind
	Meaning  string
}

// Codes returns the table of all codes. It is the reader's.
func Codes() []CodeInfo {
	return []CodeInfo{
		{CodeFileUnreadable, Failure, "LOAD_ERR_FILE_READ", "a file cannot be read"},
		{CodeBadYAML, Failure, "LOAD_ERR_YAML_PARSE", "the file is no valid YAML"},
		{CodeBadItem, Failure, "LOAD_ERR_YAML_VALIDATE", "an item lacks a key, or a key has a value that it cannot have"},
		{CodeBadCondition, Failure, "LOAD_ERR_COMPILE_CONDITION", "the grammar of a condition"},
		{CodeBadOutput, Failure, "LOAD_ERR_COMPILE_OUTPUT", "the grammar of an output"},
		{CodeUnknownField, Failure, "LOAD_ERR_COMPILE_CONDITION", "no field has this name"},
		{CodeUnknownMacro, Failure, "LOAD_ERR_VALIDATE", "no macro has this name"},
		{CodeUnknownList, Failure, "LOAD_ERR_VALIDATE", "no list has this name"},
		{CodeUnknownEventType, Failure, "LOAD_ERR_COMPILE_CONDITION", "no event has this type, and another has a similar one"},
		{CodeUnknownPriority, Failure, "LOAD_ERR_YAML_VALIDATE", "no priority has this name"},
		{CodeBadArgument, Failure, "LOAD_ERR_COMPILE_CONDITION", "the argument of a field is missing, superfluous or of the wrong kind"},
		{CodeBadOperator, Failure, "LOAD_ERR_COMPILE_CONDITION", "the operator cannot be used with the type of the field"},
		{CodeBadValue, Failure, "LOAD_ERR_COMPILE_CONDITION", "a value is not of the type of the field"},
		{CodeBadRegex, Failure, "LOAD_ERR_COMPILE_CONDITION", "a regular expression is not valid or too large"},
		{CodeBadTransformer, Failure, "LOAD_ERR_COMPILE_CONDITION", "a transformer has other arguments than it takes"},
		{CodeCircle, Failure, "LOAD_ERR_VALIDATE", "macros or lists name each other in a circle"},
		{CodeTooLarge, Failure, "LOAD_ERR_VALIDATE", "a limit of depth, size or number is exceeded"},
		{CodeBadException, Failure, "LOAD_ERR_YAML_VALIDATE", "an exception's fields, comps and values do not fit together"},
		{CodeBadOverride, Failure, "LOAD_ERR_VALIDATE", "override and append are used in a way that has no meaning"},
		{CodeNothingToChange, Failure, "LOAD_ERR_VALIDATE", "an item changes another that is not defined before it"},
		{CodeNeedsNewerEngine, Failure, "LOAD_ERR_VALIDATE", "the file needs a newer engine"},
		{CodeUnknownSource, Warning, "LOAD_UNKNOWN_SOURCE", "a rule is for a source that is not there and is left out"},
		{CodeUnknownItem, Warning, "LOAD_UNKNOWN_ITEM", "an item is of no known kind and is left out"},
		{CodeUnknownKey, Warning, "LOAD_UNKNOWN_KEY", "a key is not known and has no effect"},
		{CodeUnknownFilter, Warning, "LOAD_UNKNOWN_FILTER", "a rule with skip-if-unknown-filter asks for an unknown field and is left out"},
		{CodeUnknownPlugin, Warning, "LOAD_WARNING_EXTENSION", "a file asks for a plugin; there are none"},
		{CodeNoEffect, Warning, "LOAD_WARNING_EXTENSION", "a key is valid and has no effect here"},
		{CodeDeprecated, Warning, "LOAD_DEPRECATED_ITEM", "a form that Falco has given up for another"},
		{CodeRedefined, Warning, "LOAD_WARNING_EXTENSION", "one file defines a name twice"},
		{CodeUnusedMacro, Warning, "LOAD_UNUSED_MACRO", "no rule uses the macro"},
		{CodeUnusedList, Warning, "LOAD_UNUSED_LIST", "no rule uses the list"},
		{CodeUnusableMacro, Warning, "LOAD_COMPILE_CONDITION", "a macro that no rule uses has a mistake"},
		{CodeBadMacroName, Warning, "LOAD_INVALID_MACRO_NAME", "a macro has a name that no condition can write"},
		{CodeBadListName, Warning, "LOAD_INVALID_LIST_NAME", "a list has a name that no condition can write"},
		{CodeExceptionNoValues, Warning, "LOAD_APPEND_NO_VALUES", "an exception is appended without values"},
		{CodeExceptionNotUnique, Warning, "LOAD_EXCEPTION_NAME_NOT_UNIQUE", "two exceptions of a rule have one name"},
		{CodeExceptionUnused, Warning, "LOAD_WARNING_EXTENSION", "an exception has no values and excepts nothing"},
		{CodeNoEventType, Warning, "LOAD_NO_EVTTYPE", "no event type restricts the condition"},
		{CodeNeverMatches, Warning, "LOAD_WARNING_EXTENSION", "no event can make the condition true"},
		{CodeFieldNotCarried, Warning, "LOAD_WARNING_EXTENSION", "no event that reaches a comparison carries its field"},
		{CodeFieldNotDelivered, Warning, "LOAD_WARNING_EXTENSION", "the value of a field is not delivered, so that it is always absent"},
		{CodeEventNotDelivered, Warning, "LOAD_WARNING_EXTENSION", "events of a type are not delivered"},
		{CodeTrueIfAbsent, Warning, "LOAD_UNSAFE_NA_CHECK", "a condition is true because a value is absent"},
		{CodeImpossibleValue, Warning, "LOAD_WARNING_EXTENSION", "a field never has this value"},
		{CodeAlwaysTrue, Warning, "LOAD_WARNING_EXTENSION", "a comparison is true for every value"},
		{CodeEmptyList, Warning, "LOAD_WARNING_EXTENSION", "a comparison with nothing is never true"},
		{CodeDuplicateValue, Warning, "LOAD_WARNING_EXTENSION", "a list has a value twice"},
		{CodeListAsValue, Warning, "LOAD_WARNING_EXTENSION", "the name of a list is taken as a text"},
		{CodeFieldAsValue, Warning, "LOAD_COMPILE_CONDITION", "the name of a field or a transformer is taken as a text"},
		{CodeTextOrder, Warning, "LOAD_WARNING_EXTENSION", "a text is compared with a number letter by letter"},
		{CodeSimplerOperator, Warning, "LOAD_COMPILE_CONDITION", "a regex or glob says what a cheaper operator says"},
		{CodeSlow, Warning, "LOAD_WARNING_EXTENSION", "a condition costs much more than it could"},
		{CodePathIsLink, Warning, "LOAD_WARNING_EXTENSION", "a path is usually a link, and files have another name"},
		{CodeRuleImplied, Warning, "LOAD_WARNING_EXTENSION", "whenever this rule is true another is, on the same events"},
	}
}
