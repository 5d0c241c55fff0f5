package archive

// counts are the uploads whose matches are not what VerifyOptions.Count gives. Before one
// fetch of the day is counted, that may be the fault of the rule.
type counts struct {
	differing []difference
	counted   bool  // a fetch was
	no        error // why the first that was not could not be
}

// difference is an upload, the matches that it states, and those that its fetches count.
type difference struct {
	upload          int
	stated, counted int64
}

// record takes down whether a fetch was counted.
func (c *counts) record(f facts) {
	if f.no == nil {
		c.counted = true
	} else if c.no == nil {
		c.no = f.no
	}
}

// differs takes down, or tells, that the matches of an upload are others than it states.
func (c *check) differs(upload int, stated, counted int64) {
	c.counts.differing = append(c.counts.differing, difference{upload, stated, counted})
	if c.counts.counted {
		c.tellCounts()
	}
}

// tellCounts adds what the counts have found: if no fetch is counted that the rule is wrong,
// once, and not the day.
func (c *check) tellCounts() {
	all := c.counts.differing
	c.counts.differing = nil
	if len(all) > 0 && !c.counts.counted && c.counts.no != nil {
		c.find(NoCount, 0, 0, "no fetch of the day can be counted, so matches_in_upload was not compared: %v", c.counts.no)
		if last := &c.Findings[len(c.Findings)-1]; last.Code == NoCount {
			last.Next = "verify the day by the rule by which it was counted"
		}
		return
	}
	for _, d := range all {
		c.find(Count, d.upload, 0, "matches_in_upload is %d, its fetches count %d", d.stated, d.counted)
	}
}
