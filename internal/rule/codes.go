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
	CodeNotOwn           Code = "not-own"

	CodeNoRuleFiles        Code = "no-rule-files"
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
	CodePathIsLink         Code = "path-is-link"
	CodeRuleImplied        Code = "rule-implied"
)

// CodeInfo describes a code.
type CodeInfo struct {
	Code     Code
	Severity Severity
	Falco    string // what Falco's loader calls problems of this kind
	Meaning  string
	Help     string // what to do
}

// Codes returns the table of all codes. It is the reader's.
func Codes() []CodeInfo {
	return []CodeInfo{
		{CodeFileUnreadable, Failure, "LOAD_ERR_FILE_READ", "a file cannot be read", "name a file or a directory that can be read; the message says why this one cannot"},
		{CodeBadYAML, Failure, "LOAD_ERR_YAML_PARSE", "the file is no valid YAML", "mend the YAML: most often it is the indentation, a tab, or a colon in a text without quotes"},
		{CodeBadItem, Failure, "LOAD_ERR_YAML_VALIDATE", "an item lacks a key, or a key has a value that it cannot have", "give the item what the message says; a rule needs rule, desc, condition, output and priority"},
		{CodeBadCondition, Failure, "LOAD_ERR_COMPILE_CONDITION", "a condition is not written as the grammar says", "mend the condition at the place; what stands there is not what the grammar takes next"},
		{CodeBadOutput, Failure, "LOAD_ERR_COMPILE_OUTPUT", "an output is not written as the grammar says", "mend the output at the place; write %% for a percent sign"},
		{CodeUnknownField, Failure, "LOAD_ERR_COMPILE_CONDITION", "no field has this name", "see goshawk rules fields for the names"},
		{CodeUnknownMacro, Failure, "LOAD_ERR_VALIDATE", "no macro has this name", "define the macro before it is used, or name the file that defines it first"},
		{CodeUnknownList, Failure, "LOAD_ERR_VALIDATE", "no list has this name", "define the list, or put values in parentheses"},
		{CodeUnknownEventType, Failure, "LOAD_ERR_COMPILE_CONDITION", "no event has this type, and another has a similar one", "write the name of a system call as Falco does"},
		{CodeUnknownPriority, Failure, "LOAD_ERR_YAML_VALIDATE", "no priority has this name", "write one of Emergency, Alert, Critical, Error, Warning, Notice, Informational, Debug"},
		{CodeBadArgument, Failure, "LOAD_ERR_COMPILE_CONDITION", "the argument of a field is missing, superfluous or of the wrong kind", "see goshawk rules fields for which fields take an argument in brackets"},
		{CodeBadOperator, Failure, "LOAD_ERR_COMPILE_CONDITION", "the operator cannot be used with the type of the field", "use an operator that the type of the field has; the hint lists them"},
		{CodeBadValue, Failure, "LOAD_ERR_COMPILE_CONDITION", "a value is not of the type of the field", "write a value of the type of the field"},
		{CodeBadRegex, Failure, "LOAD_ERR_COMPILE_CONDITION", "a regular expression is not valid or too large", "write a regular expression of POSIX (extended): no \\d, no (?i), no lazy repetition"},
		{CodeBadTransformer, Failure, "LOAD_ERR_COMPILE_CONDITION", "a transformer has other arguments than it takes", "give the transformer the arguments that it takes"},
		{CodeCircle, Failure, "LOAD_ERR_VALIDATE", "macros or lists name each other in a circle", "take one of the names out of the circle"},
		{CodeTooLarge, Failure, "LOAD_ERR_VALIDATE", "a limit of depth, size or number is exceeded", "make it smaller, or split it"},
		{CodeBadException, Failure, "LOAD_ERR_YAML_VALIDATE", "an exception's fields, comps and values do not fit together", "give as many comps, and as many values in each tuple, as there are fields"},
		{CodeBadOverride, Failure, "LOAD_ERR_VALIDATE", "override and append are used in a way that has no meaning", "name in override each key that the item has, with append or replace"},
		{CodeNothingToChange, Failure, "LOAD_ERR_VALIDATE", "an item changes another that is not defined before it", "define the item first, or name the file that does before this one"},
		{CodeNeedsNewerEngine, Failure, "LOAD_ERR_VALIDATE", "the file needs a newer engine", "take an older version of the rules, or a newer goshawk"},
		{CodeNotOwn, Failure, "LOAD_ERR_EXTENSION", "the rule set of a namespace changes what is not its own", "append exceptions to the rule, or a condition that begins with and; anything else is for those who run the cluster"},

		{CodeNoRuleFiles, Warning, "LOAD_WARNING_EXTENSION", "a directory has no rule files in it", "name the directory that has *.yaml or *.yml files"},
		{CodeUnknownSource, Warning, "LOAD_UNKNOWN_SOURCE", "a rule is for a source that is not there and is left out", "nothing, if the rule is for another program"},
		{CodeUnknownItem, Warning, "LOAD_UNKNOWN_ITEM", "an item is of no known kind and is left out", "begin the item with rule, macro or list"},
		{CodeUnknownKey, Warning, "LOAD_UNKNOWN_KEY", "a key is not known and has no effect", "see the hint: it is perhaps misspelt"},
		{CodeUnknownFilter, Warning, "LOAD_UNKNOWN_FILTER", "a rule with skip-if-unknown-filter asks for an unknown field and is left out", "nothing, if the rule is for newer versions"},
		{CodeUnknownPlugin, Warning, "LOAD_WARNING_EXTENSION", "a file asks for a plugin; there are none", "nothing: rules that need its fields are reported one by one"},
		{CodeNoEffect, Warning, "LOAD_WARNING_EXTENSION", "a key is valid and has no effect here", "nothing"},
		{CodeDeprecated, Warning, "LOAD_DEPRECATED_ITEM", "a form that Falco has given up for another", "write the form that the hint names"},
		{CodeRedefined, Warning, "LOAD_WARNING_EXTENSION", "one file defines a name twice, or the rule set of a namespace a rule that holds everywhere", "give one of the two another name, or use override"},
		{CodeUnusedMacro, Warning, "LOAD_UNUSED_MACRO", "no rule uses the macro", "take the macro out unless another file needs it"},
		{CodeUnusedList, Warning, "LOAD_UNUSED_LIST", "no rule uses the list", "take the list out unless another file needs it"},
		{CodeUnusableMacro, Warning, "LOAD_COMPILE_CONDITION", "a macro that no rule uses has a mistake", "mend the macro, or take it out"},
		{CodeBadMacroName, Warning, "LOAD_INVALID_MACRO_NAME", "a macro has a name that no condition can write", "use letters, digits and _ alone"},
		{CodeBadListName, Warning, "LOAD_INVALID_LIST_NAME", "a list has a name that no condition can write", "use no blanks, quotes, parentheses, commas and ="},
		{CodeExceptionNoValues, Warning, "LOAD_APPEND_NO_VALUES", "an exception is appended without values", "give the exception values, or take it out"},
		{CodeExceptionNotUnique, Warning, "LOAD_EXCEPTION_NAME_NOT_UNIQUE", "two exceptions of a rule have one name", "give one of the two another name"},
		{CodeExceptionUnused, Warning, "LOAD_WARNING_EXTENSION", "an exception has no values and excepts nothing", "give the exception values, or take it out"},
		{CodeNoEventType, Warning, "LOAD_NO_EVTTYPE", "no event type restricts the condition", "begin the condition with evt.type in (...)"},
		{CodeNeverMatches, Warning, "LOAD_WARNING_EXTENSION", "no event can make the condition true", "see the reason: a part of the condition excludes another, or what it needs is not delivered"},
		{CodeFieldNotCarried, Warning, "LOAD_WARNING_EXTENSION", "no event that reaches a comparison carries its field", "use the field that these events have; see the hint"},
		{CodeFieldNotDelivered, Warning, "LOAD_WARNING_EXTENSION", "the value of a field is not delivered, so that it is always absent", "do without the field; the message says why it has no value"},
		{CodeEventNotDelivered, Warning, "LOAD_WARNING_EXTENSION", "events of a type are not delivered", "do without these events: nothing reports them"},
		{CodeTrueIfAbsent, Warning, "LOAD_UNSAFE_NA_CHECK", "a condition is true because a value is absent", "ask with exists whether the value is there"},
		{CodeImpossibleValue, Warning, "LOAD_WARNING_EXTENSION", "a field never has this value", "write a value that the field can have"},
		{CodeAlwaysTrue, Warning, "LOAD_WARNING_EXTENSION", "a comparison is true for every value", "take the comparison out, or write exists"},
		{CodeEmptyList, Warning, "LOAD_WARNING_EXTENSION", "a comparison with nothing is never true", "put values in the list, or take the comparison out"},
		{CodeDuplicateValue, Warning, "LOAD_WARNING_EXTENSION", "a list has a value twice", "take one of the two out"},
		{CodeListAsValue, Warning, "LOAD_WARNING_EXTENSION", "the name of a list is taken as a text", "use in with the name of a list"},
		{CodeFieldAsValue, Warning, "LOAD_COMPILE_CONDITION", "the name of a field or a transformer is taken as a text", "write val(field) to compare with a field, and transformers without quotes"},
		{CodeTextOrder, Warning, "LOAD_WARNING_EXTENSION", "a text is compared with a number letter by letter", "use a field that is a number"},
		{CodeSimplerOperator, Warning, "LOAD_COMPILE_CONDITION", "a regex or glob says what a cheaper operator says", "write the operator that the hint names: it says the same and costs less"},
		{CodePathIsLink, Warning, "LOAD_WARNING_EXTENSION", "a path is usually a link, and files have another name", "name what the link leads to, or use fd.nameraw, which is what the program wrote"},
		{CodeRuleImplied, Warning, "LOAD_WARNING_EXTENSION", "whenever this rule is true another is, on the same events", "take one of the two rules out, or make one exclude the other"},
	}
}
