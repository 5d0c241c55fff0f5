package archive

import (
	"math"

	"example.com/rotatelog/internal/daytext"
)

// sums compares what the uploads add up to with what daily_metadata and the metadata
// beside the object say. Where the text is broken, a wrong sum says nothing more.
func (c *check) sums() {
	if c.unchecked > 0 {
		c.find(Unchecked, 0, 0, "%d of %d uploads have no checksum: they are from before there was one", c.unchecked, c.Totals.Uploads)
	}
	if c.opts.Count == nil && c.Totals.Uploads > 0 {
		c.find(NotCounted, 0, 0, "matches_in_upload was not compared with the fetches: no rule was given")
	}
	c.tellCounts()
	c.gaps()
	if c.broken {
		return
	}
	held := daytext.Metadata{Date: c.stated.Date, Uploads: c.Totals.Uploads, Matches: c.Totals.Matches,
		First: c.first, Last: c.last, Fetches: c.Totals.Fetches}
	if c.uncounted {
		c.stated.Fetches = held.Fetches
	}
	c.compare("daily_metadata", c.stated, held)
	if c.metadataLast && c.over() {
		c.find(NotClosed, 0, 0, "the day is over, and daily_metadata still stands last; a Writer closes it when it next uploads")
	}
	if !c.known {
		return
	}
	m := c.meta.Totals
	beside := daytext.Metadata{Date: held.Date, Uploads: m.Uploads, Matches: m.Matches, First: c.meta.First, Last: c.meta.Last, Fetches: m.Fetches}
	if beside != held || c.meta.LastSequence != c.sequence {
		c.find(ObjectHeaders, 0, 0, "the metadata beside the object is of %d uploads, %d fetches and %d matches, the last upload %d; in it are %d, %d, %d and %d",
			m.Uploads, m.Fetches, m.Matches, c.meta.LastSequence, held.Uploads, held.Fetches, held.Matches, c.sequence)
	}
}

// compare compares what is stated with what is held.
func (c *check) compare(where string, stated, held daytext.Metadata) {
	if stated.Uploads != held.Uploads {
		c.find(TotalUploads, 0, 0, "%s: total_uploads is %d, it holds %d", where, stated.Uploads, held.Uploads)
	}
	if stated.Fetches != held.Fetches {
		c.find(TotalFetches, 0, 0, "%s: total_fetches_today is %d, the uploads add up to %d", where, stated.Fetches, held.Fetches)
	}
	if stated.Matches != held.Matches {
		c.find(TotalMatches, 0, 0, "%s: total_matches_today is %d, the uploads add up to %d", where, stated.Matches, held.Matches)
	}
	if stated.First != held.First {
		c.find(FirstUpload, 0, 0, "%s: first_upload is %q, the first upload's is %q", where, stated.First, held.First)
	}
	if stated.Last != held.Last {
		c.find(LastUpload, 0, 0, "%s: last_upload is %q, the last upload's is %q", where, stated.Last, held.Last)
	}
}

// addClamped adds two counts as a Writer does: they stay at the largest int64.
func addClamped(a, b int64) int64 {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}
