package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
)

// A Status says whether something is wrong or over.
type Status string

// The statuses of an Alert.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
)

// An Alert is what there is to say of one cause. All members are always there, but those
// with omitempty or omitzero.
type Alert struct {
	Status   Status          `json:"status"`
	Severity health.Severity `json:"severity"` // in the worst stream; of what is over, as it was last said
	Code     health.Code     `json:"code"`
	Streams  []string        `json:"streams"` // the worst first
	Since    time.Time       `json:"since"`
	Until    time.Time       `json:"until,omitzero"` // when it was last found, of what is over
	Text     string          `json:"text"`           // sentences
	Steps    []string        `json:"steps"`          // what to do, in order; none of what is over
	Repeated bool            `json:"repeated,omitempty"`
}

// Title returns the first line about the alert, such as
// "CRITICAL upload_refused: all_api, merge".
func (a Alert) Title() string {
	state := strings.ToUpper(a.Severity.String())
	if a.Status == Resolved {
		state = "RESOLVED"
	}
	return fmt.Sprintf("%s %s: %s", state, a.Code, few(a.Streams, maxNamed, ", "))
}

const (
	maxNamed = 3 // streams in a title, which ntfy gets as a header, of some 8 KiB at most
	maxTold  = 5 // streams of which a text says each its own
)

// few returns the first of several, and how many more there are.
func few(all []string, most int, between string) string {
	if len(all) <= most+1 { // one more is as short as to say so
		return strings.Join(all, between)
	}
	return strings.Join(all[:most], between) + fmt.Sprintf(" and %s more", format.Count(len(all)-most))
}

// cut returns a text of valid UTF-8 that has at most so many bytes, and an ellipsis if it
// had more.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}

// String returns the title, the text and the steps.
func (a Alert) String() string {
	var b strings.Builder
	b.WriteString(a.Title())
	if a.Repeated {
		b.WriteString(" (still, after a week)")
	}
	b.WriteString("\n" + a.Text)
	for i, step := range a.Steps {
		fmt.Fprintf(&b, "\n%d. %s", i+1, step)
	}
	return b.String()
}

// A Kind says what a Message is.
type Kind string

// The kinds of a Message.
const (
	KindAlert   Kind = "alert"   // one Alert, at once
	KindMorning Kind = "morning" // of 8 AM
	KindTest    Kind = "test"    // of Test: an Alert of which nothing is true
)

// A Message is what receivers get: a webhook and a command as JSON, of which chats show the
// member text, and ntfy as text.
type Message struct {
	Text   string    `json:"text"`
	ID     string    `json:"id"` // the same if it is sent twice
	Kind   Kind      `json:"kind"`
	Host   string    `json:"host"`
	Time   time.Time `json:"time"`
	Alerts []Alert   `json:"alerts"`
	Lines  []string  `json:"lines,omitempty"` // about each stream, in the morning
}

// maxText is how many bytes of text chats take: Discord 2,000 characters, ntfy 4,096 bytes.
const maxText = 1900

// complete sets the text and the id, which follow from the rest.
func (m Message) complete() Message {
	text := m.text()
	if short := cut(text, maxText); short != text {
		text = short + "\nrotatelog says all of it"
	}
	m.Text, m.ID = text, ""
	rest, _ := json.Marshal(m) // of plain values, which cannot fail
	sum := sha256.Sum256(rest)
	m.ID = hex.EncodeToString(sum[:8])
	return m
}

func (m Message) text() string {
	var parts []string
	if len(m.Lines) > 0 {
		parts = append(parts, strings.Join(m.Lines, "\n"))
	}
	for _, a := range m.Alerts {
		parts = append(parts, a.String())
	}
	text := strings.Join(parts, "\n\n")
	prefix := "[" + m.Host + "] "
	if m.Kind == KindTest {
		prefix += "This is a test, and nothing is wrong. "
	}
	return prefix + text
}

// Title returns a line that says what the message is about.
func (m Message) Title() string {
	title := "rotatelog " + m.Host
	switch {
	case m.Kind == KindMorning && len(m.Alerts) > 0:
		return fmt.Sprintf("%s: good morning, and what the night had", title)
	case m.Kind == KindMorning:
		return title + ": good morning"
	case len(m.Alerts) > 0:
		title += ": " + m.Alerts[0].Title()
	}
	if m.Kind == KindTest {
		title += " (test)"
	}
	return title
}

// worst returns how bad what is not over is.
func (m Message) worst() health.Severity {
	worst := health.OK
	for _, a := range m.Alerts {
		if a.Status == Firing {
			worst = max(worst, a.Severity)
		}
	}
	return worst
}

// urgent reports whether the message wakes somebody.
func (m Message) urgent() bool { return m.worst() == health.Critical }
