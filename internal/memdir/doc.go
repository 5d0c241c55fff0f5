// Package memdir has tests keep their files in memory, where syncing them to a disk takes
// most of the time and proves nothing: package crashfs has the disks that lose power.
package memdir
