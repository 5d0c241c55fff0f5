package dashboard

import "fmt"

// The states of the page: the severities, and what is not known or has not begun.
const (
	stateWaiting = "waiting"
	stateUnknown = "unknown"
	stateStale   = "stale" // it is not live
)

// icons returns the icon of each state. The shapes differ, not only the colors.
func icons() map[string]string {
	icon := func(color, shape string) string {
		return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="%s"/>`+
			`<g fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round">%s</g></svg>`, color, shape)
	}
	const mark = `<path d="M16 7v11M16 24v.5"/>`
	return map[string]string{
		"ok":         icon("#1a7f4b", `<path d="M8 17l6 6 11-13"/>`),
		"warning":    icon("#8a6100", mark),
		"error":      icon("#b3261e", mark),
		"critical":   icon("#7d0a3a", `<path d="M9 9l14 14M23 9L9 23"/>`),
		stateWaiting: icon("#5c6670", `<path d="M8 16v.5M16 16v.5M24 16v.5"/>`),
		stateUnknown: icon("#5c6670", `<path d="M11 12a5 5 0 1 1 7 5c-2 1-2 2-2 3M16 25v.5"/>`),
		stateStale:   icon("#5c6670", `<path d="M8 16h16"/>`),
	}
}
