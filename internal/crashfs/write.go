package crashfs

import "time"

// written is bytes written at an offset, in one write.
type written struct {
	off  int64
	data []byte
	at   time.Time
}

func (w written) apply(im *image) {
	im.put(w.off, w.data)
	im.modTime = w.at
}

// What may become of a written range, least first.
const (
	missing = iota
	zeroed
	kept
	outcomes
)

// tear applies what a power cut leaves of the write: nothing, zeros, all, or
// pieces of different outcomes.
func (w written) tear(im *image, choose func(int) int, cuts int) {
	cuts = min(cuts, len(w.data)-1)
	if cuts <= 0 {
		w.settle(im, choose(outcomes))
		return
	}
	switch o := choose(outcomes + 1); o {
	case missing, zeroed:
		w.settle(im, o)
	case outcomes: // last, so that KeepAll keeps all
		w.settle(im, kept)
	default:
		w.tearInto(im, choose, 1+choose(cuts))
	}
}

func (w written) tearInto(im *image, choose func(int) int, cuts int) {
	o := choose(outcomes)
	for ; cuts > 0; cuts-- {
		n := 1 + choose(len(w.data)-cuts)
		written{w.off, w.data[:n], w.at}.settle(im, o)
		w.off, w.data = w.off+int64(n), w.data[n:]
		o = (o + 1 + choose(outcomes-1)) % outcomes // the same outcome again would not be a cut
	}
	w.settle(im, o)
}

func (w written) settle(im *image, outcome int) {
	switch outcome {
	case zeroed:
		w.data = make([]byte, len(w.data))
		w.apply(im)
	case kept:
		w.apply(im)
	}
}
