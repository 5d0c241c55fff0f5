package health

import "slices"

// Blind returns the codes that Evaluate could not look for, since what they need is not in
// the facts. That these are not among its findings says nothing.
func Blind(f Facts, o Options) []Code {
	v := &view{f, o.withDefaults()}
	first := v.firstDay()
	began := !first.IsZero() && first.Compare(v.lastDay()) <= 0 // else no day is over
	asked := len(f.Days)+len(f.NoObject) > 0 || !began
	var blind []Code
	for _, of := range []struct {
		known bool
		codes []Code
	}{
		{f.Disk != nil, []Code{DiskDays}},
		{f.ClockOff != nil, []Code{Clock}},
		{asked, []Code{DayMissing, DayOpen, MatchesUnusual}},
		{f.StoredBytes > 0 || o.StorageBudget <= 0, []Code{StorageOver}},
		{f.Verified != nil, []Code{VerifyOld}},
		{!f.KeySince.IsZero(), []Code{KeyOld}},
	} {
		if !of.known {
			blind = append(blind, of.codes...)
		}
	}
	found := func(c Code) bool { // by other facts
		return slices.ContainsFunc(rules(), func(r rule) bool { return r.code == c && r.find(v).Severity > OK })
	}
	return slices.DeleteFunc(blind, found)
}
