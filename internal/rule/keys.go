package rule

// Key is a key of an item of a rule file.
type Key struct {
	Name    string
	Needed  bool   // a definition cannot do without it
	Append  bool   // override may say append
	Replace bool   // override may say replace
	Meaning string // a sentence, for manual and schema
}

// Keys returns the keys that an item of a kind may have, in the order in which
// they are usually written, and nil for no kind. It is the caller's.
func Keys(kind string) []Key {
	switch kind {
	case KindRule:
		return ruleKeys()
	case KindMacro:
		return []Key{
			{Name: "macro", Needed: true, Meaning: "Name of the macro: a letter, then letters, digits and _."},
			{Name: "condition", Needed: true, Append: true, Replace: true, Meaning: "What the name stands for in other conditions."},
			{Name: "append", Meaning: "Deprecated: true joins the condition to that of the macro that is there. Write override."},
			{Name: "override", Meaning: "Which keys change the macro that is there, and how."},
		}
	case KindList:
		return []Key{
			{Name: "list", Needed: true, Meaning: "Name of the list."},
			{Name: "items", Needed: true, Append: true, Replace: true, Meaning: "Values, and names of other lists."},
			{Name: "append", Meaning: "Deprecated: true adds the items to the list that is there. Write override."},
			{Name: "override", Meaning: "Which keys change the list that is there, and how."},
		}
	case KindEngine:
		return []Key{{Name: KindEngine, Needed: true, Meaning: "Oldest engine that understands the file: 0.57.0, or 57 for short."}}
	case KindPlugins:
		return []Key{{Name: KindPlugins, Needed: true, Meaning: "Plugins that the file asks for, with their oldest versions."}}
	}
	return nil
}

func ruleKeys() []Key {
	return []Key{
		{Name: "rule", Needed: true, Meaning: "Name of the rule, as alerts show it."},
		{Name: "desc", Needed: true, Append: true, Replace: true, Meaning: "What the rule looks for, why it matters and what to do."},
		{Name: "condition", Needed: true, Append: true, Replace: true, Meaning: "When the rule is true of an event."},
		{Name: "exceptions", Append: true, Replace: true, Meaning: "Named cases in which the rule is not true."},
		{Name: "output", Needed: true, Append: true, Replace: true, Meaning: "Text of the alert, with %field for values of the event."},
		{Name: "priority", Needed: true, Replace: true, Meaning: "How severe an alert of the rule is."},
		{Name: "source", Meaning: "Source of the events, syscall unless said."},
		{Name: "enabled", Replace: true, Meaning: "false switches the rule off."},
		{Name: "tags", Append: true, Replace: true, Meaning: "Words to choose rules by; mitre_… and T… name tactics and techniques of MITRE ATT&CK."},
		{Name: "warn_evttypes", Replace: true, Meaning: "false: no warning if no event type restricts the condition."},
		{Name: "skip-if-unknown-filter", Replace: true, Meaning: "true: leave the rule out, with a warning, if it asks for a field that is not known."},
		{Name: "capture", Replace: true, Meaning: "Has no effect here: Falco records events when the rule is true."},
		{Name: "capture_duration", Replace: true, Meaning: "Has no effect here: how long Falco records, in milliseconds."},
		{Name: "append", Meaning: "Deprecated: true joins condition and exceptions to those of the rule that is there. Write override."},
		{Name: "override", Meaning: "Which keys change the rule that is there, and how."},
	}
}

// Kinds returns the kinds of item of a rule file, by the key that names them.
func Kinds() []string { return []string{KindRule, KindMacro, KindList, KindEngine, KindPlugins} }
