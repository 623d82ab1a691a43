package rules

import "embed"

// FS holds the rule files, at its root. Load it with loader.FS(FS, ".", …).
//
//go:embed 00_base.yaml
//go:embed command_and_control.yaml
//go:embed container_activity.yaml
//go:embed container_escape.yaml
//go:embed credential_access.yaml
//go:embed defense_evasion.yaml
//go:embed execution.yaml
//go:embed integrity.yaml
//go:embed persistence.yaml
//go:embed privilege_escalation.yaml
var FS embed.FS
