package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"example.com/rotatelog"
)

// liveFeed imitates a football API. Its answers depend only on the minute, so that
// each run of the program sees the same evening.
type liveFeed struct {
	fixtures []fixture
	ids      *rand.Rand
}

// fixture is a match of the evening, known in advance to the last goal.
type fixture struct {
	id, competition, home, away string
	kickoff                     int // in minutes after the first fetch
	goals                       []incident
}

// The answer of the API.
type (
	answer struct {
		LiveMatches []match `json:"live_matches"`
	}
	match struct {
		ID          string  `json:"id"`
		Competition string  `json:"competition"`
		Status      int     `json:"status_id"`
		Minute      int     `json:"minute"`
		Home        string  `json:"home"`
		Away        string  `json:"away"`
		Score       [2]int  `json:"score"`
		Details     details `json:"details"`
		Odds        odds    `json:"odds"`
	}
	details struct {
		Venue      string     `json:"venue"`
		Possession [2]int     `json:"possession"`
		Corners    [2]int     `json:"corners"`
		Incidents  []incident `json:"incidents"`
	}
	incident struct {
		Minute int    `json:"minute"`
		Type   string `json:"type"`
		Side   int    `json:"side"` // 0 home, 1 away
	}
	odds struct {
		Home json.Number `json:"home"` // kept as it is spelled: 1.50, not 1.5
		Draw json.Number `json:"draw"`
		Away json.Number `json:"away"`
	}
)

// The statuses of a match.
const (
	notStarted = 1
	firstHalf  = 2
	halfTime   = 3
	secondHalf = 4
	ended      = 8
)

var statusNames = map[int]string{
	notStarted: "Not started", firstHalf: "First half", halfTime: "Half-time", secondHalf: "Second half", ended: "End",
}

func newLiveFeed() *liveFeed {
	clubs := []string{"Puerto Azul", "Atlético Sierra", "Cascadia", "Union Bay", "São Tomás", "Río Seco", "Redwood Town",
		"Mesa Rovers", "浜松ブルー", "Fjordheim", "Höganäs BK", "Kıyıspor", "Αστέρας", "Восток", "Tasman City", "Harbour 09"}
	rng := rand.New(rand.NewPCG(2025, 7))
	var teams []string
	for _, club := range clubs {
		teams = append(teams, club, club+" W", club+" U23")
	}
	rng.Shuffle(len(teams), func(a, b int) { teams[a], teams[b] = teams[b], teams[a] })
	f := &liveFeed{ids: rng}
	for i := range len(teams) / 2 {
		x := fixture{
			id: fmt.Sprintf("m%04d", 4100+i), competition: fmt.Sprintf("League %c", 'A'+i%5),
			home: teams[2*i], away: teams[2*i+1], kickoff: rng.IntN(165) - 115,
		}
		for minute := 1 + rng.IntN(40); minute < fullTime; minute += 1 + rng.IntN(50) {
			x.goals = append(x.goals, incident{minute, "goal", rng.IntN(2)})
		}
		f.fixtures = append(f.fixtures, x)
	}
	return f
}

// fetch returns what a pipeline fetches and counts in that minute. The feed lists a
// match from shortly before it begins until shortly after it ends.
func (f *liveFeed) fetch(minute int) (rotatelog.Fetch, error) {
	matches := []match{}
	count := map[int]int{}
	for _, x := range f.fixtures {
		if since := minute - x.kickoff; since >= -10 && since < 120 {
			m := x.after(since)
			matches = append(matches, m)
			count[m.Status]++
		}
	}
	data, err := json.Marshal(answer{matches})
	fetch := rotatelog.Fetch{
		Data: data, ID: fmt.Sprintf("%012x", f.ids.Uint64()>>16), Took: time.Duration(800+len(data)/10) * time.Millisecond,
		TotalMatches: int64(len(matches)), MatchesInPlay: int64(count[firstHalf] + count[secondHalf]),
	}
	for status := notStarted; status <= ended; status++ {
		if n := count[status]; n > 0 {
			fetch.StatusBreakdown = append(fetch.StatusBreakdown,
				fmt.Sprintf("Status ID %d (%s): %d matches", status, statusNames[status], n))
		}
	}
	return fetch, err
}

// The minutes of a match with stoppage time, and of the break in it.
const (
	firstHalfEnds = 47
	breakLasts    = 15
	fullTime      = 95
)

// after returns the state of the match that long after kickoff.
func (x *fixture) after(minutes int) match {
	status, played := notStarted, 0
	switch {
	case minutes >= fullTime+breakLasts:
		status, played = ended, fullTime
	case minutes >= firstHalfEnds+breakLasts:
		status, played = secondHalf, minutes-breakLasts
	case minutes >= firstHalfEnds:
		status, played = halfTime, firstHalfEnds
	case minutes >= 0:
		status, played = firstHalf, minutes
	}
	m := match{ID: x.id, Competition: x.competition, Status: status, Minute: played, Home: x.home, Away: x.away}
	m.Details = details{
		Venue: x.home + " Park", Possession: [2]int{50 + played%9, 50 - played%9},
		Corners: [2]int{played / 13, played / 17}, Incidents: []incident{},
	}
	for _, g := range x.goals {
		if g.Minute <= played {
			m.Score[g.Side]++
			m.Details.Incidents = append(m.Details.Incidents, g)
		}
	}
	lead := float64(m.Score[0] - m.Score[1])
	price := func(p float64) json.Number { return json.Number(fmt.Sprintf("%.2f", max(p, 1.01))) }
	m.Odds = odds{Home: price(2.5 - lead), Draw: price(3.4 + lead*lead), Away: price(2.9 + lead)}
	return m
}
