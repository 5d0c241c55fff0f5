package rotatelog

import (
	"slices"
	"time"
)

// keeping says which confirmed batches are kept.
type keeping struct {
	last  int           // so many in any case
	age   time.Duration // others while they are younger; negative: none
	bytes int64         // and all together are no larger; negative: no bound
}

// keptBatch is a confirmed batch, and the size of its file.
type keptBatch struct {
	batch
	size int64
}

// overdue returns those of confirmed batches, which are in the order of sealing, that need
// not be kept. Where they are too large together the oldest go first.
func (k keeping) overdue(all []keptBatch, now time.Time) []batch {
	var gone []batch
	var size int64
	full := false
	for i, b := range slices.Backward(all) {
		if i >= len(all)-k.last {
			size += b.size
			continue
		}
		young := k.age >= 0 && now.Sub(b.sealed) < k.age
		full = full || young && k.bytes >= 0 && size+b.size > k.bytes
		if !young || full {
			gone = append(gone, b.batch)
			continue
		}
		size += b.size
	}
	slices.Reverse(gone)
	return gone
}

// maxPlain is how large the confirmed batches that are not compressed may be together, in
// bytes. Ten batches of ten indented fetches of 2 MB would take some 450 MB.
const maxPlain = 64 << 20

// toCompress returns those of confirmed batches, which are in the order of sealing, that
// are to be compressed, the newest first. The last ones, up to last of them and maxPlain, stay as they
// were sealed, for people to open. The very last one does in any case: recovery recognizes
// the batch that was sealed last by its file.
func toCompress(all []keptBatch, last int) (next []batch) {
	var size int64
	for i, b := range slices.Backward(all) {
		size += b.size
		stays := i == len(all)-1 || i >= len(all)-last && size <= maxPlain
		if !b.zst && !stays {
			next = append(next, b.batch)
		}
	}
	return next
}
