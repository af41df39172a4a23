package contract

// KnownIssue says that a guarantee is known to be broken on a cluster. It is shown beside the verdict, which it never changes.
type KnownIssue struct {
	Guarantee ID     `json:"guarantee"`
	Reason    string `json:"reason"`
	// Expires is the last day on which it is known, as 2027-03-01.
	Expires string `json:"expires"`
	// Expired says that this day had passed when the run began.
	Expired bool `json:"expired,omitempty"`
}
