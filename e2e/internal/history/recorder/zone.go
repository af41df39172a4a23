package recorder

// FoundZone notes the cluster's DNS zone in the history's header.
func (r *Recorder) FoundZone(zone string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.h.Header.Zone = zone
}
