package football

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// The states of a match, by the numbers that the API gives them.
const (
	notStarted = 1
	firstHalf  = 2
	halfTime   = 3
	secondHalf = 4
	ended      = 8
)

func statusNames() map[int]string {
	return map[int]string{notStarted: "Not started", firstHalf: "First half", halfTime: "Half-time", secondHalf: "Second half", ended: "End"}
}

// match is one match. Everything but fixed changes.
type match struct {
	fixed   string // the members that identify the match
	home    []player
	away    []player
	kickoff time.Time

	status    int
	minute    int
	scores    [2][7]int // total, half-time, red, yellow, corners, overtime, penalties
	stats     [8][2]int
	odds      [4][9]int // of each bookmaker, in hundredths
	incidents []byte    // the elements of the list
	updated   time.Time
}

type player struct{ id, name string }

func newMatch(r *rand.Rand, now time.Time) *match {
	m := &match{status: notStarted, updated: now}
	m.kickoff = now.Add(time.Duration(r.IntN(24*60)-120) * time.Minute).Truncate(5 * time.Minute)
	home, away := newTeam(r), newTeam(r)
	m.home, m.away = squad(r), squad(r)
	country, city := pick(r, countries()), pick(r, cities())
	m.fixed = fmt.Sprintf(`"id":"%s","season_id":"%s","competition":{"id":"%s","name":"%s %s","country":"%s","logo":"https://img.example.com/football/competition/%s.png"},`+
		`"home_team":%s,"away_team":%s,"venue":{"id":"%s","name":"%s Stadium","city":"%s","capacity":%d},"referee":{"id":"%s","name":"%s"},`+
		`"round":{"stage_id":"%s","round_num":%d,"group_num":0},"neutral":%d,"match_time":%d`,
		letters(r, 15), letters(r, 15), letters(r, 15), country, pick(r, leagues()), country, letters(r, 32),
		home, away, letters(r, 15), city, city, 4000+r.IntN(60000), letters(r, 15), newName(r),
		letters(r, 15), 1+r.IntN(38), r.IntN(2), m.kickoff.Unix())
	for i := range m.odds {
		for j := range m.odds[i] {
			m.odds[i][j] = 80 + r.IntN(400)
		}
	}
	for m.updated = m.kickoff; m.updated.Before(now); m.updated = m.updated.Add(time.Minute) {
		m.play(r, m.updated)
	}
	m.updated = now
	return m
}

// advance moves the match to now, and reports whether anything changed.
func (m *match) advance(r *rand.Rand, now time.Time) (changed bool) {
	switch {
	case now.Before(m.kickoff) && r.IntN(30) > 0:
		return false
	case now.Before(m.kickoff):
		m.moveOdds(r)
	default:
		m.play(r, now)
	}
	m.updated = now
	return true
}

// play plays the minute that ends at now.
func (m *match) play(r *rand.Rand, now time.Time) {
	switch m.minute = int(now.Sub(m.kickoff).Minutes()); {
	case m.minute > 110:
		m.status = ended
		return
	case m.minute > 60:
		m.status = secondHalf
	case m.minute > 45:
		m.status = halfTime
		return
	default:
		m.status = firstHalf
	}
	for i := range m.stats {
		if r.IntN(3) == 0 {
			m.stats[i][r.IntN(2)]++
		}
	}
	if r.IntN(2) == 0 {
		m.moveOdds(r)
	}
	if r.IntN(12) == 0 {
		m.happen(r)
	}
}

func (m *match) moveOdds(r *rand.Rand) {
	company := &m.odds[r.IntN(len(m.odds))]
	for range 1 + r.IntN(3) {
		i := r.IntN(len(company))
		company[i] = max(101, company[i]+r.IntN(21)-10)
	}
}

// happen adds an incident: a goal, a card or a corner.
func (m *match) happen(r *rand.Rand) {
	side := r.IntN(2)
	by := m.home
	if side == 1 {
		by = m.away
	}
	kind := r.IntN(5)
	m.scores[side][kind%5]++
	p := by[r.IntN(len(by))]
	if len(m.incidents) > 0 {
		m.incidents = append(m.incidents, ',')
	}
	m.incidents = fmt.Appendf(m.incidents, `{"type":%d,"position":%d,"time":%d,"player_id":"%s","player_name":"%s","home_score":%d,"away_score":%d}`,
		kind+1, side+1, m.minute, p.id, p.name, m.scores[0][0], m.scores[1][0])
}

func (m *match) appendJSON(b []byte) []byte {
	b = append(append(b, '{'), m.fixed...)
	b = fmt.Appendf(b, `,"status_id":%d,"minute":%d`, m.status, m.minute)
	b = appendInts(append(b, `,"home_scores":`...), m.scores[0][:]...)
	b = appendInts(append(b, `,"away_scores":`...), m.scores[1][:]...)
	b = append(b, `,"stats":{`...)
	for i, name := range []string{"attacks", "dangerous_attacks", "possession", "shots_on", "shots_off", "corners", "fouls", "passes"} {
		b = strconv.AppendQuote(b, name)
		b = append(appendInts(append(b, ':'), m.stats[i][:]...), ',')
	}
	b = append(b[:len(b)-1], `},"odds":{`...)
	for i, company := range []string{"bet365", "crown", "pinnacle", "10bet"} {
		o := m.odds[i]
		b = fmt.Appendf(b, `"%s":{"asia":["%d.%02d","-%d.%02d","%d.%02d"],"eu":["%d.%02d","%d.%02d","%d.%02d"],"bs":["%d.%02d","%d.%02d","%d.%02d"]},`, company,
			o[0]/100, o[0]%100, o[1]/200, o[1]/50%4*25, o[2]/100, o[2]%100, o[3]/100, o[3]%100, o[4]/100, o[4]%100,
			o[5]/100, o[5]%100, o[6]/100, o[6]%100, o[7]/200, o[7]/50%4*25, o[8]/100, o[8]%100)
	}
	b = append(b[:len(b)-1], `},"incidents":[`...)
	b = append(b, m.incidents...)
	return fmt.Appendf(b, `],"updated_at":%d}`, m.updated.Unix())
}
