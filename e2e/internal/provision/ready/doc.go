// Package ready waits until a cluster, or a new namespace of one, can be used, and says what is still missing when the wait ends. It
// stands on client-go alone and watches; it polls nothing and changes nothing. Waits of specs do not belong here.
package ready
