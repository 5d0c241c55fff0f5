package alert

import (
	"fmt"
	"slices"
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
	Lost    bool            `json:"lost,omitempty"` // what was said last reached nobody
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
	firing, streams := c.firing(), setOf(c.Streams)
	joined := slices.ContainsFunc(firing, func(s symptom) bool { return !streams[s.Stream] })
	repeat := level == health.Warning && now.Sub(c.Said) >= week && !night
	lasts := slices.ContainsFunc(firing, func(s symptom) bool { return s.Below.IsZero() })
	if level == c.Level && !joined && !repeat && !(c.Lost && lasts) {
		return Alert{}, nil, false
	}
	to = []Channel{channelOf(level)}
	if level < c.Level { // whoever was called hears that it is less
		to = c.Told
		if !slices.Contains(to, channelOf(level)) {
			to = append(slices.Clone(to), channelOf(level))
		}
	}
	repeat = level == c.Level && !joined && !c.Lost
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
	streams := setOf(c.Streams)
	for _, s := range firing {
		if !streams[s.Stream] {
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
	c.Level, c.Said, c.Lost = level, now, false
}

// setOf returns the set of names, of which there may be thousands.
func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
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
	steps := map[string]bool{}
	for _, s := range firing {
		a.Streams = append(a.Streams, s.Stream)
		for _, step := range s.Finding.Steps {
			if !steps[step] {
				steps[step], a.Steps = true, append(a.Steps, step)
			}
		}
	}
	a.Text = textOf(firing)
	return a
}

// resolved returns that it is over.
func (c *cause) resolved(now time.Time) Alert {
	var were []symptom
	last, streams := c.Since, setOf(c.Streams)
	for _, s := range c.Symptoms {
		if streams[s.Stream] {
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
	return few(texts, maxTold, "\n")
}
