package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/health"
)

const (
	daysTimeout = 5 * time.Second // for the stores of all streams
	daysAtOnce  = 8               // requests
	mostDays    = 30              // of a stream, each by a request or, compressed, by two or three
)

// addDays finds out what the store has of the days that are over, as far as the rules look
// at it. Each request takes one of the turns. Nothing is downloaded.
func (s *streamStatus) addDays(ctx context.Context, turns chan struct{}) error {
	f, budget := &s.facts, s.options.StorageBudget
	wanted := health.DaysToAskFor(*f, s.options)
	for _, day := range s.more {
		if !slices.Contains(wanted, day) {
			wanted = append(wanted, day)
		}
	}
	if s.Store == "" || len(wanted) == 0 {
		return nil
	}
	a, err := s.archive()
	if err != nil {
		return err
	}
	turns <- struct{}{}
	listed, notListed := listDays(ctx, a)
	<-turns
	if notListed == nil { // what is not listed is not asked for, but for yesterday
		rest := slices.Clone(wanted[1:])
		wanted = wanted[:1:1]
		for _, day := range rest {
			if slices.Contains(listed, day) {
				wanted = append(wanted, day)
			} else {
				f.NoObject = append(f.NoObject, day)
			}
		}
	}
	some := slices.Clip(wanted)
	if budget > 0 {
		some = append(some, sampleOf(listed, wanted, max(0, mostDays-len(wanted)))...)
	}
	answers, err := askForDays(ctx, turns, a, some)
	for i, d := range answers {
		switch {
		case d.none:
			f.NoObject = append(f.NoObject, d.day)
		case d.ok && i < len(wanted):
			f.Days = append(f.Days, d.metadata)
		}
	}
	if budget > 0 {
		f.StoredBytes = estimate(answers[:len(wanted)], answers[len(wanted):], len(listed))
		err = cmp.Or(err, notListed)
	}
	return err
}

// listDays returns the days of which the store lists an object, the first one first.
func listDays(ctx context.Context, a rotatelog.Archive) ([]rotatelog.Day, error) {
	lister, ok := a.Store.(rotatelog.Lister)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	var days []rotatelog.Day
	example := rotatelog.Day{Year: 2025, Month: 7, Date: 10}
	begin := a.Key(example, rotatelog.Uncompressed)
	begin = begin[:strings.LastIndex(begin, example.String())]
	for key, err := range lister.List(ctx, begin) {
		if err != nil {
			return nil, err
		}
		date := key[len(begin):]
		day, err := rotatelog.ParseDay(date[:min(len(date), len(example.String()))])
		if err == nil && !slices.Contains(days[max(0, len(days)-1):], day) { // or compressed as well
			days = append(days, day)
		}
	}
	return days, nil
}

// sampleOf returns n of the days that are listed and not among others, spread evenly.
func sampleOf(listed, others []rotatelog.Day, n int) []rotatelog.Day {
	rest := slices.DeleteFunc(slices.Clone(listed), func(day rotatelog.Day) bool { return slices.Contains(others, day) })
	if len(rest) <= n {
		return rest
	}
	sample := make([]rotatelog.Day, n)
	for i := range sample {
		sample[i] = rest[i*len(rest)/n]
	}
	return sample
}

// dayAnswer is what the store says of a day.
type dayAnswer struct {
	day      rotatelog.Day
	metadata rotatelog.DayMetadata
	ok, none bool // there is an object, or none
}

// askForDays asks for days, and returns the first error of those about which nothing could
// be found out.
func askForDays(ctx context.Context, turns chan struct{}, a rotatelog.Archive, days []rotatelog.Day) ([]dayAnswer, error) {
	answers, errs := make([]dayAnswer, len(days)), make([]error, len(days))
	var asking sync.WaitGroup
	for i, day := range days {
		turns <- struct{}{}
		asking.Go(func() {
			defer func() { <-turns }()
			answers[i].day = day
			text, err := a.Text(ctx, day)
			switch {
			case err == nil:
				answers[i].metadata, _ = text.Metadata()
				answers[i].ok = true
			case errors.Is(err, fs.ErrNotExist):
				answers[i].none = true
			default:
				errs[i] = err
			}
		})
	}
	asking.Wait()
	for _, err := range errs {
		if err != nil {
			return answers, err
		}
	}
	return answers, nil
}

// estimate returns how much n days have: some that are known, and others like a sample.
func estimate(known, sample []dayAnswer, n int) int64 {
	bytes, days := total(known)
	likely, of := total(sample)
	if of == 0 {
		return bytes
	}
	return bytes + int64(float64(likely)*float64(max(n-days, of))/float64(of))
}

// total returns how much the days have that have an object, and how many these are.
func total(answers []dayAnswer) (bytes int64, days int) {
	for _, d := range answers {
		if d.ok {
			bytes += d.metadata.Size
			days++
		}
	}
	return bytes, days
}

// verified returns when a day of the stream was last verified, zero if never.
func (s *stream) verified() (*time.Time, error) {
	spool, err := s.spool(rotatelog.Archive{})
	if spool == nil || err != nil {
		return nil, err
	}
	defer spool.Close()
	days, err := archive.LoadVerified(spool)
	if err != nil {
		return nil, err
	}
	var last time.Time
	for _, d := range days {
		if d.Verified.After(last) {
			last = d.Verified
		}
	}
	return &last, nil
}

// keySince returns since when the key of the stream's store is in use, zero if that is not
// known: a settings file that was not changed has no newer key.
func (s *stream) keySince(set rotatelog.Day) time.Time {
	if !set.IsZero() {
		return set.Start(s.app.zone)
	}
	p, err := s.place()
	if err != nil || p.Dir != "" {
		return time.Time{}
	}
	name := "AWS_ACCESS_KEY_ID"
	if p.Profile != "" {
		name = strings.ToUpper(p.Profile) + "_" + name
	}
	key, ok := s.app.settings.Env(name)
	if !ok || key.Origin.File == "" {
		return time.Time{}
	}
	info, err := os.Stat(key.Origin.File)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// ofTheDays returns the codes that need what the store has of days.
func ofTheDays() []health.Code {
	return []health.Code{health.DayMissing, health.DayOpen, health.FetchesShort, health.MatchesUnusual, health.DayLarge, health.StorageOver}
}

// unknownDays says why nothing is known of days.
func unknownDays(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("what the store has of the days before: not within %v", daysTimeout)
	}
	return "what the store has of the days before: " + explained(err)
}
