package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog/health"
)

// week is after what time a warning is repeated.
const week = 7 * 24 * time.Hour

// A cause is a code, and what has been said of it.
type cause struct {
	Code     health.Code `json:"code"`
	Symptoms []symptom   `json:"symptoms"`

	Level   health.Severity `json:"level"` // that was said, OK if nothing was
	Streams []string        `json:"streams,omitempty"`
	Since   time.Time       `json:"since,omitzero"`
	Said    time.Time       `json:"said,omitzero"` // when
	Told    []Channel       `json:"told,omitempty"`
}

// symptom returns what a stream has of the cause.
func (c *cause) symptom(stream string) *symptom {
	for i := range c.Symptoms {
		if c.Symptoms[i].Stream == stream {
			return &c.Symptoms[i]
		}
	}
	c.Symptoms = append(c.Symptoms, symptom{Stream: stream})
	return &c.Symptoms[len(c.Symptoms)-1]
}

// level returns how bad it is in the worst of the streams.
func (c *cause) level() health.Severity {
	worst := health.OK
	for _, s := range c.Symptoms {
		worst = max(worst, s.Level)
	}
	return worst
}

// news returns what there is to say, if anything. Warnings are repeated by day.
func (c *cause) news(now time.Time, night bool) (a Alert, to []Channel, ok bool) {
	level := c.level()
	if level == health.OK {
		if c.Level == health.OK {
			return Alert{}, nil, false
		}
		a, to = c.resolved(now), c.Told
		*c = cause{Code: c.Code, Symptoms: c.Symptoms}
		return a, to, true
	}
	firing := c.firing()
	joined := slices.ContainsFunc(firing, func(s symptom) bool { return !slices.Contains(c.Streams, s.Stream) })
	repeat := level == health.Warning && now.Sub(c.Said) >= week && !night
	if level == c.Level && !joined && !repeat {
		return Alert{}, nil, false
	}
	to = []Channel{channelOf(level)}
	if level < c.Level { // whoever was called hears that it is less
		to = c.Told
		if !slices.Contains(to, channelOf(level)) {
			to = append(slices.Clone(to), channelOf(level))
		}
	}
	repeat = level == c.Level && !joined
	c.say(firing, level, to, now)
	a = c.alert(firing)
	a.Repeated = repeat
	return a, to, true
}

// firing returns the symptoms of the streams that have it, the worst first.
func (c *cause) firing() []symptom {
	firing := slices.DeleteFunc(slices.Clone(c.Symptoms), func(s symptom) bool { return s.Level == health.OK })
	slices.SortStableFunc(firing, func(a, b symptom) int { return int(b.Level) - int(a.Level) })
	return firing
}

// say remembers what is said.
func (c *cause) say(firing []symptom, level health.Severity, to []Channel, now time.Time) {
	for _, s := range firing {
		if !slices.Contains(c.Streams, s.Stream) {
			c.Streams = append(c.Streams, s.Stream)
		}
		if since := sinceOf(s); c.Since.IsZero() || since.Before(c.Since) {
			c.Since = since
		}
	}
	for _, channel := range to {
		if !slices.Contains(c.Told, channel) {
			c.Told = append(slices.Clone(c.Told), channel)
		}
	}
	c.Level, c.Said = level, now
}

// sinceOf returns since when a stream has it, as far as is known.
func sinceOf(s symptom) time.Time {
	if s.Finding.Since.IsZero() {
		return s.First
	}
	return s.Finding.Since
}

func inSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// alert returns what there is to say of streams that have it.
func (c *cause) alert(firing []symptom) Alert {
	a := Alert{Status: Firing, Severity: c.Level, Code: c.Code, Since: inSeconds(c.Since), Streams: []string{}, Steps: []string{}}
	for _, s := range firing {
		a.Streams = append(a.Streams, s.Stream)
		for _, step := range s.Finding.Steps {
			if !slices.Contains(a.Steps, step) {
				a.Steps = append(a.Steps, step)
			}
		}
	}
	a.Text = textOf(firing)
	return a
}

// resolved returns that it is over.
func (c *cause) resolved(now time.Time) Alert {
	var were []symptom
	last := c.Since
	for _, s := range c.Symptoms {
		if slices.Contains(c.Streams, s.Stream) {
			were = append(were, s)
			if s.Last.After(last) {
				last = s.Last
			}
		}
	}
	a := Alert{Status: Resolved, Severity: c.Level, Code: c.Code, Since: inSeconds(c.Since), Until: inSeconds(now), Streams: slices.Clone(c.Streams), Steps: []string{}}
	if !last.IsZero() && last.Before(now) {
		a.Until = inSeconds(last)
	}
	a.Text = "It is over. It was: " + textOf(were)
	return a
}

// textOf returns what is wrong. Where the streams differ, each has its own.
func textOf(symptoms []symptom) string {
	var texts []string
	same := true
	for _, s := range symptoms {
		same = same && s.Finding.Text == symptoms[0].Finding.Text
		texts = append(texts, fmt.Sprintf("%s: %s", s.Stream, s.Finding.Text))
	}
	if same && len(symptoms) > 0 {
		return symptoms[0].Finding.Text
	}
	return strings.Join(texts, "\n")
}
