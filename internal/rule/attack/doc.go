// Package attack reads what the tags of a rule say of MITRE ATT&CK.
//
// Public rules tag the tactic by name (mitre_credential_access) or id (TA0006) and
// the technique by id (T1003.008). Tactics are those of ATT&CK for Enterprise,
// version 18.1; version 19 splits defense evasion, so a technique is what to keep
// and a tactic what to show.
package attack
