package health

import (
	"fmt"
	"strings"
	"time"
)

// A Severity says who should hear of a finding, and when.
type Severity int

const (
	OK       Severity = iota // nothing is wrong
	Warning                  // worth a look this week
	Error                    // worth a mail
	Critical                 // worth waking somebody
)

// String returns "ok", "warning", "error" or "critical".
func (s Severity) String() string { return [...]string{"ok", "warning", "error", "critical"}[s] }

// MarshalText implements [encoding.TextMarshaler].
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Severity) UnmarshalText(text []byte) error {
	for known := OK; known <= Critical; known++ {
		if string(text) == known.String() {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("severity %q is not ok, warning, error or critical", text)
}

// A Code names a rule. It is also an anchor of docs/TROUBLESHOOTING.md.
type Code string

// The codes, which stay as they are.
const (
	AppendStale   Code = "append_stale"
	AppendRefused Code = "append_refused"
	AppendInvalid Code = "append_invalid"
	DiskDays      Code = "disk_days"
	UploadLate    Code = "upload_late"
	UploadRefused Code = "upload_refused"
	UploadsGone   Code = "uploads_gone"
	ForeignChange Code = "foreign_change"
	Corrupt       Code = "corrupt"
	Clock         Code = "clock"
	Uncounted     Code = "uncounted"

	DayMissing     Code = "day_missing"
	DayOpen        Code = "day_open"
	FetchesShort   Code = "fetches_short"
	MatchesUnusual Code = "matches_unusual"

	Repaired    Code = "repaired"
	DayLarge    Code = "day_large"
	StorageOver Code = "storage_over"
	VerifyOld   Code = "verify_old"
	KeyOld      Code = "key_old"
)

// A Finding is something that is wrong.
type Finding struct {
	Code     Code      `json:"code"`
	Severity Severity  `json:"severity"`
	Stream   string    `json:"stream"`
	Since    time.Time `json:"since,omitzero"` // zero if that is not known
	Text     string    `json:"text"`           // sentences
	Steps    []string  `json:"steps"`          // what to do, in order; most are commands
}

// String returns the finding on several lines: stream, severity and code; the text; the
// numbered steps.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s %s\n  %s", f.Stream, strings.ToUpper(f.Severity.String()), f.Code, f.Text)
	for i, step := range f.Steps {
		fmt.Fprintf(&b, "\n  %d. %s", i+1, step)
	}
	return b.String()
}

// Worst returns the highest severity of findings.
func Worst(findings []Finding) Severity {
	worst := OK
	for _, f := range findings {
		worst = max(worst, f.Severity)
	}
	return worst
}
