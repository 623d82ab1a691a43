package rule

// Problems collects what is wrong with rule files: errors keep a set from being
// loaded, warnings do not.
type Problems struct {
	Errors   []*Error
	Warnings []*Error
}

// Fail adds an error.
func (p *Problems) Fail(e *Error) { p.Errors = append(p.Errors, e) }

// Warn adds a warning.
func (p *Problems) Warn(e *Error) { p.Warnings = append(p.Warnings, e) }
