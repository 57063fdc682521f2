({condition}) IS NOT TRUE
