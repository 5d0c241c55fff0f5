package alert

import (
	"slices"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// A Channel is a group of receivers.
type Channel string

// The channels.
const (
	Notify Channel = "notify" // mail
	Page   Channel = "page"   // wakes somebody
)

func channelOf(s health.Severity) Channel {
	if s == health.Critical {
		return Page
	}
	return Notify
}

// memory is what one evaluation leaves for the next.
type memory struct {
	Looked    time.Time `json:"looked,omitzero"` // the last evaluation
	Causes    []*cause  `json:"causes"`
	Held      []Alert   `json:"held,omitempty"`   // for the morning
	Morning   string    `json:"morning"`          // the day of the last morning message
	Before    string    `json:"before,omitempty"` // that of the one before it
	Heartbeat time.Time `json:"heartbeat,omitzero"`
	Outbox    outbox    `json:"outbox"`
}

// policy is what decides who hears of something.
type policy struct {
	host    string
	zone    *time.Location
	hasPage bool // somebody can be woken
}

// The night, in which mails wait.
const (
	nightBegins  = 22
	morningComes = 8
)

// isNight reports whether mails wait.
func (p policy) isNight(t time.Time) bool {
	hour := t.In(p.zone).Hour()
	return hour >= nightBegins || hour < morningComes
}

func (p policy) day(t time.Time) string { return rotatelog.DayOf(t, p.zone).String() }

// evaluate takes in what was found, and puts what there is to say into the outbox. It
// reports whether this was an evaluation: one that comes too early is none.
func (m *memory) evaluate(l Look, p policy, hasty bool) bool {
	m.turnBack(l.Now)
	if today := p.day(l.Now); m.Morning > today { // the clock was ahead; what was said before that was
		m.Morning, m.Before = m.Before, ""
		if m.Morning > today {
			m.Morning = ""
		}
	}
	if l.inGrace() || !m.Looked.IsZero() && l.Now.Sub(m.Looked) < apart {
		return false
	}
	if m.Looked.IsZero() && !p.isNight(l.Now) { // the first morning message is that of tomorrow
		m.Morning = p.day(l.Now)
	}
	m.Looked = l.Now
	m.see(l, hasty)
	m.say(l.Now, p)
	m.greet(l, p)
	return true
}

// turnBack has nothing be in the future, as after the clock was set back.
func (m *memory) turnBack(now time.Time) {
	back := func(t *time.Time) {
		if t.After(now) {
			*t = now
		}
	}
	if m.Looked.After(now) {
		m.Looked = now.Add(-apart)
	}
	for _, c := range m.Causes {
		back(&c.Said)
		back(&c.Since)
		for i := range c.Symptoms {
			back(&c.Symptoms[i].Below)
			back(&c.Symptoms[i].First)
			back(&c.Symptoms[i].Last)
		}
	}
	back(&m.Heartbeat)
	m.Outbox.turnBack(now)
}

// index finds what streams have of a cause, of which there may be thousands.
type index map[health.Code]*found

// found is a cause, and where in its symptoms a stream is.
type found struct {
	*cause
	at map[string]int
}

func (m *memory) index() index {
	all := index{}
	for _, c := range m.Causes {
		f := &found{c, make(map[string]int, len(c.Symptoms))}
		for i, s := range c.Symptoms {
			f.at[s.Stream] = i
		}
		all[c.Code] = f
	}
	return all
}

// symptom returns what a stream has of a cause, or had lately; nil if that is nothing.
func (x index) symptom(code health.Code, stream string) *symptom {
	if f := x[code]; f != nil {
		if i, ok := f.at[stream]; ok {
			return &f.Symptoms[i]
		}
	}
	return nil
}

// newSymptom returns a new one of a stream.
func (m *memory) newSymptom(x index, code health.Code, stream string) *symptom {
	f := x[code]
	if f == nil {
		f = &found{&cause{Code: code}, map[string]int{}}
		x[code], m.Causes = f, append(m.Causes, f.cause)
	}
	f.at[stream] = len(f.Symptoms)
	f.Symptoms = append(f.Symptoms, symptom{Stream: stream})
	return &f.Symptoms[len(f.Symptoms)-1]
}

// see takes in the findings of all streams. A stream that is not looked at any more has
// none.
func (m *memory) see(l Look, hasty bool) {
	seen, known, codes := map[string]bool{}, m.index(), append(health.Codes(), NotSeen)
	for _, s := range l.Streams {
		seen[s.Name] = true
		found := s.findings()
		for _, code := range codes {
			f, ok := found[code]
			if !ok && (slices.Contains(s.Unknown, code) || code != NotSeen && s.NotSeen != "") {
				continue
			}
			has := known.symptom(code, s.Name)
			if has == nil && ok {
				has = m.newSymptom(known, code, s.Name)
			}
			if has != nil {
				has.see(f, l.Now, hasty)
			}
		}
	}
	for _, c := range m.Causes {
		for i := range c.Symptoms {
			if s := &c.Symptoms[i]; !seen[s.Stream] {
				s.see(health.Finding{}, l.Now, false)
			}
		}
	}
}

// say puts what is news into the outbox, or keeps it for the morning, and forgets what is
// over.
func (m *memory) say(now time.Time, p policy) {
	slices.SortStableFunc(m.Causes, func(a, b *cause) int { return int(b.level()) - int(a.level()) })
	for _, c := range m.Causes {
		a, to, ok := c.news(now, p.isNight(now))
		if !ok {
			continue
		}
		if !p.hasPage && slices.Contains(to, Page) {
			m.send(Message{Kind: KindAlert, Alerts: []Alert{a}}, Notify, now, p)
			continue
		}
		for _, channel := range to {
			if channel != Notify || !p.isNight(now) {
				m.send(Message{Kind: KindAlert, Alerts: []Alert{a}}, channel, now, p)
			}
		}
		if p.isNight(now) && (slices.Contains(to, Notify) || m.holds(c.Code)) {
			m.hold(a)
		}
	}
	m.Causes = slices.DeleteFunc(m.Causes, func(c *cause) bool {
		streams := setOf(c.Streams)
		c.Symptoms = slices.DeleteFunc(c.Symptoms, func(s symptom) bool {
			return s.isOver() && (c.Level == health.OK || !streams[s.Stream])
		})
		return len(c.Symptoms) == 0
	})
}

// hold keeps an alert for the morning, in place of what is older of its cause.
func (m *memory) hold(a Alert) {
	m.Held = slices.DeleteFunc(m.Held, func(h Alert) bool { return h.Code == a.Code })
	m.Held = append(m.Held, a)
}

func (m *memory) holds(code health.Code) bool {
	return slices.ContainsFunc(m.Held, func(a Alert) bool { return a.Code == code })
}

// greet sends the message of the morning.
func (m *memory) greet(l Look, p policy) {
	day := p.day(l.Now)
	if p.isNight(l.Now) || m.Morning == day && len(m.Held) == 0 {
		return
	}
	msg := Message{Kind: KindMorning, Alerts: m.Held}
	if m.Morning != day {
		msg.Lines = m.morningLines(l)
	}
	if m.Held = nil; m.Morning != day {
		m.Before, m.Morning = m.Morning, day
	}
	m.send(msg, Notify, l.Now, p)
}

// morningLines returns a line about each stream, and one about what still lasts.
func (m *memory) morningLines(l Look) []string {
	var lines []string
	for _, s := range l.Streams {
		switch {
		case s.Morning != "":
			lines = append(lines, s.Morning)
		case s.NotSeen != "":
			lines = append(lines, s.Name+": "+s.NotSeen)
		}
	}
	for _, c := range m.Causes {
		if c.Level > health.OK && !m.holds(c.Code) {
			lines = append(lines, "Still: "+c.alert(c.firing()).Title())
		}
	}
	return lines
}

// giveUp gives up the messages that have waited for too long, and returns an error for each.
// What nobody has heard of that way, and still lasts, is news again.
func (m *memory) giveUp(now time.Time) []error {
	var errs []error
	for _, g := range m.Outbox.expire(now) {
		errs = append(errs, g.why)
		for _, a := range g.Message.Alerts {
			for _, c := range m.Causes {
				if c.Code == a.Code && a.Status == Firing && c.Level > health.OK && !c.Said.After(g.Since) && len(g.Done) == 0 {
					c.Lost = true
				}
			}
		}
	}
	return errs
}

// send puts a message into the outbox.
func (m *memory) send(msg Message, to Channel, now time.Time, p policy) {
	if msg.Alerts == nil {
		msg.Alerts = []Alert{}
	}
	msg.Host, msg.Time = p.host, inSeconds(now)
	m.Outbox.add(to, msg.complete(), now)
}
