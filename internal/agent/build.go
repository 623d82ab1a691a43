package agent

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Build says which goshawk this is.
type Build struct {
	Version  string // of the module; (devel) for a build outside of a release
	Revision string // of the source, "unknown" if it was built without its history
	Go       string
	Platform string
}

// CurrentBuild reads what the Go tool wrote into the program.
func CurrentBuild() Build {
	b := Build{Version: "(devel)", Revision: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	changed := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	b.Revision += changed
	return b
}

// String writes one line.
func (b Build) String() string {
	return fmt.Sprintf("goshawk %s (revision %s, %s, %s)", b.Version, b.Revision, b.Go, b.Platform)
}
